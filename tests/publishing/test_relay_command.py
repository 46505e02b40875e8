"""`aggregator relay` beside an MBU: it relays until SIGTERM, and says what it was told wrongly."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.databases import ask, connect, outbox
from tests.running import ROOT, until

LEFT = "SELECT count(*) FROM aggregator_outbox"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "aggregator", "relay", *words]


def as_url(database: str) -> str:
    """What the command takes."""
    folder = database.partition("host=")[2].partition(" ")[0]
    return f"postgresql://postgres@/postgres?host={folder}" if folder else database


def test_it_relays_until_sigterm(database: str, clean_redis_url: str) -> None:
    """And leaves with 0."""
    environ = {**os.environ, "OUTBOX_DATABASE": as_url(database), "AGGREGATOR_REDIS_URL": clean_redis_url}
    with subprocess.Popen(command("--every", "10ms"), env=environ, cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            connection = connect(database)
            outbox(database).write(connection, ["user:1"])
            connection.commit()
            connection.close()
            until(lambda: ask(database, LEFT) == [(0,)], "it is relayed")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
        assert process.stderr
        assert process.stderr.read() == b""
    with redis.Redis.from_url(clean_redis_url, decode_responses=True) as client:
        assert client.xrevrange("aggregator:invalidations", count=1)[0][1]["tags"] == '["user:1"]'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["/nowhere/mbu.sqlite"], "/nowhere/mbu.sqlite: there is no such file"),
        (["FILE", "--table", "a b"], "a table's name is"),
        (["FILE", "--every", "0s"], "expected a duration longer than zero"),
        (["FILE", "--namespace", "nobody"], "--redis-url"),
    ],
)
def test_what_it_cannot_do_it_says(tmp_path: Path, words: list[str], said: str) -> None:
    """With status 2, and no traceback."""
    file = tmp_path / "mbu.sqlite"
    file.touch()
    words = [str(file) if word == "FILE" else word for word in words]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}
    done = subprocess.run(command(*words), cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr

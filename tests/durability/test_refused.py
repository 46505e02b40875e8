"""`aggregator serve` and the commands under a `durability`: what is refused at the start, and how a 503 says why."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fleet import KEY, declaration
from tests.http.raw_answers import is_problem
from tests.running import ROOT, Running
from tests.servers import Valkey

POST = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}


def refused(*words: str) -> str:
    """What the command says on standard error as it refuses."""
    command = [sys.executable, "-m", "aggregator", *words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=ROOT, env={"PATH": "", **KEY})
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    return ended.stderr


@pytest.fixture
def serve(tmp_path: Path) -> Sequence[str]:
    """The words that would start a service."""
    (tmp_path / "screens.toml").write_text(declaration("http://127.0.0.1:9"))
    return ["serve", str(tmp_path / "screens.toml"), "--port", "0", "--admin-port", "0"]


def test_a_server_without_waitaof(serve: Sequence[str]) -> None:
    """Redis before 7.2, as a Valkey that has lost the command."""
    with Valkey("--rename-command", "WAITAOF", "") as server:
        said = refused(*serve, "--redis-url", server.url, "--durability", "disk")
    assert 'durability = "disk" cannot be had of the log\'s server (unknown command' in said
    assert "it needs Redis 7.2 or Valkey" in said


def test_a_server_without_a_file(serve: Sequence[str], clean_redis_url: str) -> None:
    """`appendonly no`; the commands say the same."""
    where = ("--redis-url", clean_redis_url, "--durability", "disk")
    for words in (serve, ("invalidate", "user:1")):
        said = refused(*words, *where)
        assert "appendonly is disabled" in said
        assert "it needs Redis 7.2 or Valkey, with appendonly yes" in said


@pytest.mark.parametrize("durability", ["replica", "disk"])
def test_the_embedded_server(serve: Sequence[str], durability: str) -> None:
    """It keeps nothing, and nobody follows it."""
    assert "the embedded server has neither replica nor disk" in refused(*serve, "--durability", durability)


def test_a_503_says_what_was_not_confirmed(clean_redis_url: str) -> None:
    """No replica is there: the service starts all the same, for one may come. What it is told is in the log."""
    with Running(declaration("http://127.0.0.1:9"), clean_redis_url, env=KEY, flags=("--durability", "replica")) as one:
        got = one.get("/invalidations", POST, "POST", b'{"tags":["user:1"]}', admin=True)
        assert is_problem(got, 503)
        assert int(got.headers["retry-after"]) >= 1
        assert got.json["detail"] == (
            'durability = "replica": no replica has it within 2 s. Send it again; twice does no harm.'
        )

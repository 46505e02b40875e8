"""A Redis that anybody on the network could use is refused, and what lets us in is shown nowhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from tests.running import ROOT, Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.servers import Valkey

CANARY = "c4nary/pass word"
# Of a network that no machine is on (RFC 5737): a service that starts goes on without Redis.
ELSEWHERE = "192.0.2.1:6379"
URL, LOG, ALLOWED = "AGGREGATOR_REDIS_URL", "AGGREGATOR_LOG_URL", "AGGREGATOR_ALLOW_INSECURE_REDIS"
OPEN = f"redis://{ELSEWHERE}"


@pytest.mark.parametrize(
    "env",
    [
        {URL: "redis://127.0.0.1:1"},
        {URL: "unix:///nowhere/at/all"},
        {URL: f"redis://:pw@{ELSEWHERE}"},
        {URL: f"rediss://{ELSEWHERE}"},
        {URL: "redis+sentinel://:pw@127.0.0.1:1/main"},
        {URL: OPEN, ALLOWED: "true"},
    ],
    ids=["loopback", "socket", "password", "tls", "sentinels", "allowed"],
)
def test_s25_a_start_with_a_redis_that_is_closed_to_others(mbu: Mbu, env: dict[str, str]) -> None:
    """Or that the operator says is: it serves, here without reaching it."""
    with Running(ONE_PART.replace("$MBU", mbu.url), env={"KEY": "k", **env}, flags=["--startup-limit", "100ms"]) as one:
        mbu.put("/part/1", 1)
        assert one.get("/home/1").json == {"data": {"part": 1}}


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({URL: OPEN}, "redis_url"),
        ({URL: "redis://127.0.0.1:1", LOG: OPEN}, "log_url"),
        ({URL: "redis://cache.internal", ALLOWED: "false"}, "redis_url"),
        ({URL: "redis+sentinel://127.0.0.1:1/main"}, "redis_url"),
    ],
    ids=["open", "open log", "not allowed", "sentinels"],
)
def test_s25_a_start_with_an_open_redis_is_refused(tmp_path: Path, env: dict[str, str], named: str) -> None:
    """One line that names the setting, and what to do."""
    (tmp_path / "screens.toml").write_text(ONE_PART.replace("$MBU", "http://127.0.0.1:9"))
    done = command(["serve", str(tmp_path / "screens.toml"), "--port", "0", "--admin-port", "0"], {"KEY": "k", **env})
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{named}: ")
    assert "allow_insecure_redis" in line


@pytest.fixture
def guarded() -> Iterator[Valkey]:
    """A server that asks for the canary."""
    with Valkey() as server:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", CANARY)
        yield server


def test_s25_a_password_is_in_no_output(mbu: Mbu, guarded: Valkey, tmp_path: Path) -> None:
    """Logs, metrics, answers, plans, checks and command lines, while Redis answers, is gone, and lets nobody in."""
    url = guarded.url.replace("unix://", f"unix://:{quote(CANARY, safe='')}@")
    env = {"KEY": "k", URL: url}
    mbu.put("/part/1", 1)
    with Running(ONE_PART.replace("$MBU", mbu.url), env=env, flags=["--log-level", "debug"]) as one:
        vouches = lambda: one.get("/readyz", admin=True).json["vouching"]  # noqa: E731
        until(vouches, "it is let in")
        seen = everything(one, env)
        guarded.kill()
        until(lambda: "log_away" in one.stderr, "it is gone")
        seen += everything(one, env)
        guarded.start()  # empty, and with no password: one that is offered is refused
        with redis.Redis.from_url(guarded.url) as client:
            client.config_set("requirepass", "another")
            client.execute_command("CLIENT", "KILL", "TYPE", "normal")
            until(lambda: client.info("commandstats").get("cmdstat_auth", {}).get("failed_calls", 0) > 1, "refused")
        seen += everything(one, env)
    for form in (CANARY, quote(CANARY), quote(CANARY, safe=""), "c4nary"):
        assert form not in seen


def everything(one: Running, env: dict[str, str]) -> str:
    """Whatever it shows."""
    pages = [("/home/1", False), *((path, True) for path in ("/metrics", "/readyz", "/explain?target=/home/1"))]
    answers = [f"{got.headers} {got.body!r}" for got in (one.get(path, admin=admin) for path, admin in pages)]
    published = one.get("/invalidations", {"authorization": "Bearer k"}, "POST", b'{"tags":["a"]}', admin=True)
    commands = [["plan", str(one.file), "home", "id=1"], ["check", str(one.file)], ["invalidate", "a"]]
    told = [command(words, env) for words in commands]
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in (one.pid, *one.descendants())]
    return "\n".join([*answers, repr(published), *(done.stdout + done.stderr for done in told), *lines, one.stderr])


def command(words: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """A command of ours, run to its end."""
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *words],
        env={**os.environ, **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )

"""A server that would evict the invalidation log is refused, unless the operator says otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.servers import valkey

KEY = {"KEY": "k"}


@pytest.mark.parametrize("named", ["redis_url", "log_url"])
def test_r24_a_start_on_a_server_that_evicts_the_log_is_refused(tmp_path: Path, redis_url: str, named: str) -> None:
    """In one line, which names the setting, the policy, and the command that mends it."""
    (tmp_path / "screens.toml").write_text(ONE_PART.replace("$MBU", "http://127.0.0.1:9"))
    with valkey("--maxmemory-policy", "allkeys-lru") as url:
        urls = {"AGGREGATOR_REDIS_URL": redis_url, f"AGGREGATOR_{named.upper()}": url, **KEY}
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", "serve", "screens.toml", "--port", "0", "--admin-port", "0"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), **os.environ, **urls},
            capture_output=True,
            text=True,
            timeout=15,
        )
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{named}: its maxmemory-policy is allkeys-lru")
    assert "CONFIG SET maxmemory-policy volatile-ttl" in line


def test_r24_a_start_is_not_refused_where_that_is_allowed(mbu: Mbu) -> None:
    """And it vouches, as the log is there."""
    flags = ["--allow-evicting-log", "true"]
    with (
        valkey("--maxmemory-policy", "allkeys-lru") as url,
        Running(ONE_PART.replace("$MBU", mbu.url), url, env=KEY, flags=flags) as one,
    ):
        until(lambda: one.get("/readyz", admin=True).json["vouching"], "it vouches")


def test_r24_a_start_warns_where_the_policy_cannot_be_known(mbu: Mbu) -> None:
    """As Redis is away, there is a line in the log."""
    text, flags = ONE_PART.replace("$MBU", mbu.url), ["--startup-limit", "100ms"]
    with Running(text, "redis://127.0.0.1:1", env=KEY, flags=flags) as one:
        assert "maxmemory_policy_unknown" in one.stderr

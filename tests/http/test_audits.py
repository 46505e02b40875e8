"""A real service is told by SIGHUP to audit what is read, and holds it against what a real MBU says by then."""

import os
import signal

from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.scale import FULL

AUDIT = "\n[audit]\nsample = 1.0\n"
KEY = {"KEY": "a-key-for-audits"}


def audits(running: Running) -> dict[tuple[str, str], int]:
    """How many looks there were, by how long after, and result."""
    lines = running.get("/metrics", admin=True).body.decode().splitlines()
    found = [line for line in lines if line.startswith("aggregator_audits_total{")]
    assert all('screen="home"' in line and "ada-4711" not in line for line in found)
    return {(_label(line, "after"), _label(line, "result")): int(float(line.rpartition(" ")[2])) for line in found}


def _label(line: str, name: str) -> str:
    return line.partition(f'{name}="')[2].partition('"')[0]


def test_what_an_mbu_changes_without_publishing_is_told(mbu: Mbu, redis_url: str) -> None:
    """What is right is told as such a second later, and what is wrong as what differs; `make prove` waits a minute
    more, for what is said then."""
    text = ONE_PART.replace("$MBU", mbu.url)
    mbu.put("/part/ada-4711", {"v": "first-4712"})
    with Running(text, redis_url, env=KEY) as running:
        running.get("/home/ada-4711")
        running.file.write_text(text + AUDIT)
        os.kill(running.pid, signal.SIGHUP)
        until(lambda: '"declaration reloaded"' in running.stderr, "it is reloaded", 30)
        assert mbu.calls["/part/ada-4711"] == 1
        running.get("/home/ada-4711")
        until(lambda: audits(running) == {("1s", "consistent"): 1}, "it is audited")
        assert mbu.calls["/part/ada-4711"] == 2
        mbu.put("/part/ada-4711", {"v": "second-4713"})
        assert running.get("/home/ada-4711").json == {"data": {"part": {"v": "first-4712"}}}
        until(lambda: audits(running).get(("1s", "differs")) == 1, "it is found to differ")
        [worker] = running.get("/audit", admin=True).json["workers"]
        assert worker["answer"] == {"watched": 1, "counterexamples": []}
        if FULL:
            _is_told(running)


def _is_told(running: Running) -> None:
    until(lambda: audits(running).get(("60s", "inconsistent")) == 1, "it is found inconsistent", 70)
    [worker] = running.get("/audit", admin=True).json["workers"]
    [found] = worker["answer"]["counterexamples"]
    assert (found["target"], [slot["slot"] for slot in found["slots"]]) == ("/home/ada-4711", ["part"])
    [line] = [line for line in running.stderr.splitlines() if '"view inconsistent"' in line]
    assert "4711" not in line
    assert "4712" not in line
    assert "4713" not in line

"""`aggregator warm` fills L2 from a list, at its rate, and goes on where it was stopped; with real MBUs and server."""

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import redis

from tests.running import ROOT, Mbu, Running, until

SCREENS = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "5s"
[mbus.m]
url = "{url}"
[fragments.user]
mbu = "m"
path = "/users/{{id}}"
tags = ["user:{{id}}"]
[fragments.found]
mbu = "m"
path = "/found/{{id}}?page={{query.page}}"
[fragments.themed]
mbu = "m"
path = "/themed?s={{cookie.session}}"
[screens.home]
path = "/home/{{id}}"
slots = {{ user = {{ fragment = "user", required = true }} }}
[screens.found]
path = "/found/{{id}}"
query = {{ page = {{ type = "int", default = 1 }} }}
slots = {{ found = "found" }}
[screens.themed]
path = "/themed"
cookies = ["session"]
slots = {{ themed = "themed" }}
"""


class Warming:
    """The command, on a declaration, a namespace and a list of its own."""

    def __init__(self, folder: Path, mbu: Mbu, redis_url: str) -> None:
        self.file, self.list = folder / "screens.toml", folder / "users.txt"
        self.file.write_text(SCREENS.format(url=mbu.url))
        self.namespace = f"warm-{folder.name}"
        self.redis_url = redis_url

    def command(self, *arguments: str) -> list[str]:
        """Its command line."""
        where = ["--redis-url", self.redis_url, "--namespace", self.namespace]
        return [sys.executable, "-m", "aggregator", "warm", str(self.file), *where, *arguments]

    def run(self, *arguments: str, lines: Sequence[str] = (), said: str | None = None) -> tuple[int, str, str]:
        """What comes of warming what these lines list. said: standard input instead."""
        self.list.write_text("".join(f"{line}\n" for line in lines))
        return self.say("--from", "-" if said is not None else str(self.list), *arguments, said=said)

    def say(self, *arguments: str, said: str | None = None) -> tuple[int, str, str]:
        """Its exit status, and what it says."""
        command = self.command(*arguments)
        done = subprocess.run(command, input=said, capture_output=True, text=True, cwd=ROOT, env=ENV, check=False)
        return done.returncode, done.stdout, done.stderr

    def count(self) -> int:
        """The views in L2."""
        with redis.Redis.from_url(self.redis_url) as client:
            return len([*client.scan_iter(f"{self.namespace}:view:*")])


ENV = {**{name: value for name, value in os.environ.items() if not name.startswith("AGGREGATOR_")}}


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """Users 1 to 9, of which 7 fails; there is no other."""
    with Mbu() as mbu:
        for id in range(1, 10):
            mbu.put(f"/users/{id}", {"id": id}, status=500 if id == 7 else 200)
            mbu.put(f"/found/{id}?page=1", {"page": 1})
        mbu.put("/found/1?page=2", {"page": 2})
        yield mbu


@pytest.fixture
def warming(tmp_path: Path, mbu: Mbu, redis_url: str) -> Warming:
    """The command on these."""
    return Warming(tmp_path, mbu, redis_url)


def test_a_service_finds_what_was_warmed(warming: Warming, mbu: Mbu, redis_url: str) -> None:
    """Its first readers are answered from L2, and no MBU is asked."""
    status, summary, told = warming.run("--screen", "home", lines=["1", "id=2", "", "  3  "])
    assert (status, told) == (0, "")
    assert summary.startswith("3 composed, 0 already there, 0 absent, 0 failed, 0 lines not read, ")
    assert sorted(mbu.calls) == ["/users/1", "/users/2", "/users/3"]
    with Running(warming.file.read_text(), redis_url, namespace=warming.namespace) as service:
        assert {service.get(f"/home/{id}").headers["cache-status"].rpartition("=")[2] for id in "123"} == {'"L2"'}
    assert mbu.calls.total() == 3


def test_what_is_there_is_passed_over(warming: Warming, mbu: Mbu) -> None:
    """A second run loads what is new in the list only."""
    warming.run("--screen", "home", lines=["1", "2"])
    status, summary, _ = warming.run("--screen", "home", lines=["1", "2", "3"])
    assert (status, mbu.calls.total()) == (0, 3)
    assert summary.startswith("1 composed, 2 already there, 0 absent")


def test_every_line_is_told_of_and_none_is_lost(warming: Warming, mbu: Mbu) -> None:
    """By its number, whether it cannot be read or its view fails; what is absent is no failure."""
    lines = ["1", "id=1 id=2", "7", "user=3", "4711", "é" * 150, 'id="', "2"]
    status, summary, told = warming.run("--screen", "home", lines=lines)
    assert status == 1
    assert summary.startswith("2 composed, 0 already there, 1 absent, 1 failed, 4 lines not read, ")
    assert told.splitlines() == [
        "line 3: user: m: status 500",
        "line 2: id: given twice",
        "line 4: user: no input of the screen; expected: id; id: missing; expected: id=VALUE",
        f'line 6: id: expected 1 to 200 bytes of text without control characters, not "{"é" * 57}…"',
        "line 7: its quotes do not match: No closing quotation",
    ]


def test_several_inputs_are_named(warming: Warming, mbu: Mbu) -> None:
    """From standard input as from a file; one that has a default need not be given."""
    status, summary, _ = warming.run("--screen", "found", said="1\nid=1 query.page=2\nquery.page=1 'id=2'")
    assert (status, summary[:11]) == (0, "3 composed,")
    assert sorted(mbu.calls) == ["/found/1?page=1", "/found/1?page=2", "/found/2?page=1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--hot"], "Say what to warm: --screen NAME --from LIST, or --hot."),
        ([], "Say what to warm: --screen NAME --from LIST, or --hot."),
        (["--screen", "hom"], 'hom: no such screen; expected one of: home, found, themed; did you mean "home"?'),
        (["--screen", "themed"], "themed: depends on cookies or forwarded headers"),
        (["--screen", "home", "--redis-url", "unix:///nowhere"], "the invalidation log could not be read within 200ms"),
    ],
)
def test_what_cannot_be_warmed_is_refused(warming: Warming, arguments: list[str], told: str) -> None:
    """Before anything is asked of anybody; without a log nothing could be kept."""
    warming.file.write_text(warming.file.read_text() + '[service]\nstartup_limit = "200ms"\n')
    status, summary, said = warming.run(*arguments, lines=["1"])
    assert (status, summary) == (2, "")
    assert told in said
    assert "Traceback" not in said


def test_it_keeps_its_rate_stops_when_it_is_told_to_and_goes_on(warming: Warming, mbu: Mbu) -> None:
    """Nothing that was composed is lost, and nothing of it composed again."""
    warming.list.write_text("".join(f"{line}\n" for line in [1, 2, 3, 4, 5, 6, 8, 9]))
    slow = warming.command("--screen", "home", "--from", str(warming.list), "--rate", "2")
    with subprocess.Popen(
        slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=ENV, text=True
    ) as running:
        until(lambda: warming.count() >= 2, "nothing was warmed")
        running.send_signal(signal.SIGINT)
        summary, told = running.communicate(timeout=10)
    assert (running.returncode, told) == (130, "stopped; run it again to go on\n")
    composed = int(summary.split()[0])
    assert 2 <= composed == warming.count() < 8
    _, summary, _ = warming.run("--screen", "home", lines=["1", "2", "3", "4", "5", "6", "8", "9"])
    assert summary.startswith(f"{8 - composed} composed, {composed} already there")
    assert mbu.calls.total() == 8


def test_the_hot_list_is_warmed(warming: Warming, mbu: Mbu) -> None:
    """The hottest first, of one screen or of all; what is of none of them, or has a secret in it, is passed over."""
    hot = {"/home/1": 5.0, "/home/2": 6.5, "/found/1?page=2": 7.0, "/elsewhere": 9.0, "/themed 1 3:abc": 9.0}
    with redis.Redis.from_url(warming.redis_url) as client:
        client.zadd(f"{warming.namespace}:hot", hot)
    status, summary, _ = warming.say("--hot", "--screen", "home", "--at-once", "1")
    assert (status, summary[:11], [*mbu.calls]) == (0, "2 composed,", ["/users/2", "/users/1"])
    status, summary, _ = warming.say("--hot")
    assert (status, summary[:29], mbu.calls.total()) == (0, "1 composed, 2 already there, ", 3)


def test_a_worker_is_ready_with_what_is_hot(warming: Warming, mbu: Mbu, redis_url: str) -> None:
    """Its first reader is answered by L1, of what L2 has."""
    warming.run("--screen", "home", lines=["1", "2"])
    with redis.Redis.from_url(redis_url) as client:
        client.zadd(f"{warming.namespace}:hot", {"/home/1": 5.0})
    with Running(warming.file.read_text(), redis_url, namespace=warming.namespace) as service:
        tiers = [service.get(f"/home/{id}").headers["cache-status"].rpartition("=")[2] for id in "12"]
        assert tiers == ['"L1"', '"L2"']


def test_at_a_terminal_there_is_a_bar(warming: Warming) -> None:
    """With how many are through, how many a second, and the time that is left."""
    warming.list.write_text("1\n2\n")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    command = warming.command("--screen", "home", "--from", str(warming.list))
    subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, cwd=ROOT, env=ENV, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "100%" in shown
    assert "2/2 [" in shown
    assert "views/s" in shown

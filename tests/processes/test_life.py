"""The life of a service: it drains when asked to stop, outlives its workers, and takes all of its own with it."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from tests.fleet import KEY, NAMES, declaration, fill, fleet, target
from tests.running import Got, Mbu, Running, until


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """MBUs that answer for 42."""
    with Mbu() as mbu:
        fill(mbu, "42")
        yield mbu


class Asking(threading.Thread):
    """A request under way."""

    def __init__(self, service: Running) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.got: Got | None = None
        self.start()

    def run(self) -> None:
        """Ask, and wait for the answer, if one comes."""
        with suppress(OSError):
            self.got = self.service.get("/home/42")

    def answer(self) -> Got:
        """The answer, once it is there."""
        self.join(15)
        assert self.got
        return self.got


def lives(pid: int) -> bool:
    """Is there such a process?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def counters(service: Running) -> dict[str, float]:
    """Every counter of /metrics."""
    lines = service.get("/metrics", admin=True).body.decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if "_total" in line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_r39_it_finishes_what_it_is_at_and_leaves_with_0(how: signal.Signals, mbu: Mbu, redis_url: str) -> None:
    """A request under way is answered, and nothing is left running."""
    with Running(declaration(mbu.url), redis_url, env=KEY) as service:
        family = service.descendants()
        mbu.hold(target("part0", "42"))
        asking = Asking(service)
        until(lambda: mbu.calls[target("part0", "42")], "it asked nobody")
        os.kill(service.pid, how)
        until(lambda: refuses(service), "it goes on taking connections")
        mbu.release(target("part0", "42"))
        assert asking.answer().status == 200
        assert service.terminate() == 0
        assert not [pid for pid in family if lives(pid)]


def refuses(service: Running) -> bool:
    """Is nobody listening at its public address any more?"""
    address = urlsplit(service.url)
    try:
        socket.create_connection((address.hostname, address.port), 1.0).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_takes_workers_and_embedded_server_with_it(how: signal.Signals, mbu: Mbu) -> None:
    """Within 5 s, also after kill -9 of the parent."""
    with Running(declaration(mbu.url), workers=2, env=KEY) as service:
        family = service.descendants()
        assert len(family) >= 4  # two workers, the embedded server and its guard
        folder = os.path.dirname(service.redis_url.removeprefix("unix://"))
        os.kill(service.pid, how)
        until(lambda: not [pid for pid in family if lives(pid)], "something was left running", 5.0)
        until(lambda: not os.path.exists(folder), "the server's directory was left", 5.0)


def test_a_worker_that_dies_is_replaced(mbu: Mbu, redis_url: str) -> None:
    """The service goes on, nothing is loaded again, and no counter goes down at any time."""
    with fleet(mbu, redis_url, count=1, workers=2) as (service,):
        for _ in range(10):
            service.get("/home/42")
        before, family = counters(service), service.descendants()
        assert sum(value for name, value in before.items() if "screens_served" in name) == 10
        epochs = before["aggregator_log_epochs_total"]  # each process counts the one it began in
        os.kill(family[0], signal.SIGKILL)
        until(lambda: grown(service, before)["aggregator_log_epochs_total"] > epochs, "there is no new worker")
        assert family[0] not in service.descendants()
        assert len(service.descendants()) == 2
        assert service.get("/home/42").status == 200
        assert service.get("/readyz", admin=True).status == 200
        assert max(mbu.calls.values()) == 1


def grown(service: Running, before: dict[str, float]) -> dict[str, float]:
    """The counters, none of which is lower than before; `before` becomes what they are now."""
    now = counters(service)
    assert not {name: (value, now.get(name)) for name, value in before.items() if now.get(name, 0.0) < value}
    before.update(now)
    return now


def test_a_process_that_dies_while_it_loads_holds_nobody_up(mbu: Mbu, redis_url: str) -> None:
    """Its leases run out after 300 ms: the other process loads instead, once."""
    latency, slack = 0.5, 0.5
    fill(mbu, "42", latency=latency)
    with fleet(mbu, redis_url) as (first, second):
        cut_off = Asking(first)
        until(lambda: len(mbu.calls) == len(NAMES), "it asked nobody")
        waiting = Asking(second)
        for pid in (first.pid, *first.descendants()):
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        assert waiting.answer().status == 200
        assert time.monotonic() - began < 0.3 + latency + slack
        assert max(mbu.calls.values()) == 2
        cut_off.join(5)
        assert not cut_off.got

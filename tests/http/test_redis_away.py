"""Redis goes away and comes back: screens are answered all along, and none is stale without saying so."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from aggregator.model.standing import UNPROVEN_FOR
from tests.http.raw_answers import is_problem
from tests.running import Got, Mbu, Running, until
from tests.servers import Valkey

TEXT = """
version = 1
[defaults]
fresh_for = "10m"
stale_if_error = "1h"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
tags = ["part:{id}"]
[screens.home]
path = "/home/{id}"
client_max_age = "60s"
slots = { part = "part" }
[publishers.all]
key_env = "KEY"
tags = ["*"]
"""
AUTHORIZED = {"authorization": "Bearer all-key"}


class World(NamedTuple):
    """Two processes on one server."""

    server: Valkey
    running: Running
    other: Running

    def away(self, how: str) -> None:
        """Let the server crash, or hang."""
        self.server.kill() if how == "crash" else self.server.freeze()

    def back(self, how: str) -> None:
        """Let it come back: empty after a crash, as it was after a hang."""
        self.server.start() if how == "crash" else self.server.thaw()

    def both(self, true: Callable[[Running], object]) -> bool:
        """Does it hold for both?"""
        return bool(true(self.running)) and bool(true(self.other))


@pytest.fixture(scope="module")
def world(mbu: Mbu) -> Iterator[World]:
    text, env = TEXT.replace("$MBU", mbu.url), {"KEY": "all-key"}
    with (
        Valkey() as server,
        Running(text, server.url, env=env) as one,
        Running(text, server.url, env=env, namespace=one.namespace) as two,
    ):
        yield World(server, one, two)


def publish(running: Running, tag: str) -> Got:
    return running.get("/invalidations", AUTHORIZED, "POST", b'{"tags":["%s"]}' % tag.encode(), admin=True)


def vouches(running: Running) -> bool:
    vouching: bool = running.get("/readyz", admin=True).json["vouching"]
    return vouching


def marked(got: Got) -> bool:
    """Does it say that it is not proved, and that nobody may use it unasked?"""
    assert got.status == 200, got
    said = "unproven" in got.headers["cache-status"]
    # no-store where the log began anew while it was loaded, so that it is held by nobody.
    assert not said or got.headers["cache-control"] in ("private, no-cache", "no-store")
    return said


@pytest.fixture(params=["crash", "hang"])
def how(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """Redis is there, goes away in the test, and is there again after it."""
    until(lambda: world.both(vouches), "both vouch")
    way: str = request.param
    yield way
    until(lambda: world.both(vouches), "all is right again by itself", 5.0)


def test_no_answer_is_stale_without_saying_so(world: World, mbu: Mbu, id: str, how: str) -> None:
    """Two seconds after it went away every answer is marked, and what changed meanwhile is seen; after it is back
    the marks are gone, and invalidations are followed as before."""
    mbu.put(f"/part/{id}", 1)
    assert not marked(world.running.get(f"/home/{id}"))
    world.away(how)
    gone = time.monotonic()
    try:
        mbu.put(f"/part/{id}", 2)
        while time.monotonic() < gone + 5:
            sent = time.monotonic()
            got = world.running.get(f"/home/{id}", timeout=2.0)
            assert got.status == 200
            assert marked(got) or sent < gone + 2, "unproven, and not marked"
            if got.json["data"]["part"] == 2 and marked(got):
                break
        assert got.json == {"data": {"part": 2}}
        mbu.put(f"/part/{id}", 3, status=500)
        asked = mbu.calls[f"/part/{id}"]
        while mbu.calls[f"/part/{id}"] == asked:
            assert time.monotonic() < gone + 10
            fallen_back = world.running.get(f"/home/{id}")
            assert (fallen_back.json["data"]["part"], marked(fallen_back)) == (2, True)
        mbu.put(f"/part/{id}", 4)
    finally:
        world.back(how)
    right = lambda one: not marked(got := one.get(f"/home/{id}")) and "errors" not in got.json  # noqa: E731
    until(lambda: world.both(right), "all is right again by itself", 5.0)
    mbu.put(f"/part/{id}", 5)
    assert publish(world.other, f"part:{id}").status == 202
    new = lambda one: one.get(f"/home/{id}").json["data"]["part"] == 5  # noqa: E731
    until(lambda: world.both(new), "the invalidation is followed", 0.25, every=0.005)


def test_a_new_screen_is_answered_in_time(world: World, mbu: Mbu, id: str, how: str) -> None:
    """What nobody holds is loaded from its MBU, once by each process, with no long wait for Redis."""
    mbu.put(f"/part/{id}", 1)
    world.away(how)
    try:
        for number in range(5):
            mbu.put(f"/part/{number}{id}", 1)
            began = time.monotonic()
            assert world.running.get(f"/home/{number}{id}").json == {"data": {"part": 1}}
            assert time.monotonic() < began + 0.9
            assert mbu.calls[f"/part/{number}{id}"] == 1
    finally:
        world.back(how)


def test_an_invalidation_is_refused_and_not_lost(world: World, mbu: Mbu, id: str, how: str) -> None:
    """503 with Retry-After while it cannot be appended; the same again is 202 afterwards, and followed."""
    world.away(how)
    try:
        got = publish(world.running, f"part:{id}")
        assert is_problem(got, 503)
        assert int(got.headers["retry-after"]) >= 1
        assert got.json["detail"] == (
            "The invalidation log did not acknowledge this. Send it again; twice does no harm."
        )
    finally:
        world.back(how)
    until(lambda: publish(world.running, f"part:{id}").status == 202, "it is taken", 5.0)


def test_the_loss_shows_in_body_and_metrics_and_not_in_the_status(world: World, how: str) -> None:
    """Redis going down takes no instance out: it stays ready, and says that it does not vouch."""
    world.away(how)
    try:
        until(lambda: not vouches(world.running), "it shows", 3.0)
        for admin in (True, False):
            for path in ("/readyz", "/healthz"):
                got = world.running.get(path, admin=admin)
                assert (got.status, got.json["ready"], got.json["vouching"]) == (200, True, False)
        metrics = world.running.get("/metrics", admin=True).body.decode()
        assert "aggregator_workers_vouching 0.0" in metrics
        assert 'aggregator_troubles_total{what="log_away"}' in metrics
    finally:
        world.back(how)


def test_a_start_without_redis_ends_ready_and_unproven(mbu: Mbu, id: str) -> None:
    """After the start-up limit it answers, marked; when Redis is there, all is right by itself within 5 s."""
    mbu.put(f"/part/{id}", 1)
    with Valkey() as server:
        server.kill()
        with Running(
            TEXT.replace("$MBU", mbu.url), server.url, env={"KEY": "k"}, flags=["--startup-limit", "300ms"]
        ) as late:
            assert not vouches(late)
            got = late.get(f"/home/{id}")
            assert (got.json, marked(got)) == ({"data": {"part": 1}}, True)
            server.start()
            until(lambda: vouches(late) and not marked(late.get(f"/home/{id}")), "all is right", 5.0)


@pytest.mark.parametrize("mode", ["reload", "serve"])
def test_what_is_done_without_proof_is_the_operators_choice_and_is_said(mbu: Mbu, id: str, mode: str) -> None:
    """In either mode the answer is marked `unproven`, and health says that nothing is vouched for, and which mode it
    is; with `reload` it is what the MBU says now, with `serve` what was held, and the MBU is not asked."""
    mbu.put(f"/part/{id}", 1)
    flags = ["--when-unproven", mode]
    with Valkey() as server, Running(TEXT.replace("$MBU", mbu.url), server.url, env={"KEY": "k"}, flags=flags) as one:
        until(lambda: vouches(one) and not marked(one.get(f"/home/{id}")), "it is proved")
        recent_until = time.monotonic() + UNPROVEN_FOR
        server.kill()
        mbu.put(f"/part/{id}", 2)
        until(lambda: not vouches(one) and time.monotonic() > recent_until, "the loss shows", 5.0)
        got = one.get(f"/home/{id}")
        assert marked(got)
        assert got.json == {"data": {"part": 2 if mode == "reload" else 1}}
        assert mbu.calls[f"/part/{id}"] == (2 if mode == "reload" else 1)
        for admin in (True, False):
            for path in ("/readyz", "/healthz"):
                body = one.get(path, admin=admin).json
                assert (body["ready"], body["vouching"], body["when_unproven"]) == (True, False, mode)

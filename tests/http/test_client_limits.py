"""What one client may take of the service is bounded where that is declared, and costs no other client anything."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Any

import pytest

from aggregator.invalidation.follower import BEAT_EVERY
from aggregator.invalidation.log import Beat
from aggregator.model.position import Position, text_of
from aggregator.settings import Settings
from tests.http.raw_answers import refused, split
from tests.http.test_wire import answers
from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.scripted_transport import ScriptedTransport
from tests.twins import SETTLED, Side
from tests.virtual_time import run

ATTACKER, READER, PROXY = "192.0.2.1", "198.51.100.1", "10.0.0.1"
RATE = 8  # an interval without a rounding
Play = Callable[[Side], Awaitable[None]]
On = Callable[..., None]


@pytest.fixture(params=["quick", "ordinary"])
def on(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> On:
    """Plays on a new service with these settings, in virtual time."""
    monkeypatch.setenv("K", SECRET)

    async def meet(play: Play, settings: Settings) -> None:
        async with Side(catalogue(), Echoing(), settings, request.param == "quick") as side:
            await play(side)

    return lambda play, **said: run(meet(play, Settings.model_validate({"refresh_budget": 0.0, **said})))


def asking(path: str, *lines: str) -> bytes:
    """A request."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: x", *lines, "", ""]).encode()


async def told(side: Side, peer: str, *requests: bytes) -> list[bytes]:
    """The answers to a client that waits for each on one connection."""
    transport = side.connect(peer)
    for request in requests:
        transport.send(request)
        await asyncio.sleep(0.03)
    await asyncio.sleep(SETTLED)
    transport.leave()
    return answers(transport)


def statuses(said: list[bytes]) -> list[int]:
    """Of answers."""
    return [int(answer[:3]) for answer in said]


def test_s18_a_client_has_a_rate_of_what_l1_does_not_answer(on: On) -> None:
    """Beyond it 429 with Retry-After, whatever is asked for; hits are answered, and so is everybody else."""

    async def play(side: Side) -> None:
        await told(side, READER, asking("/a/hot"))
        flood = await asyncio.gather(*(told(side, ATTACKER, asking(f"/a/{number}")) for number in range(200)))
        seen = statuses([answer for said in flood for answer in said])
        assert (seen.count(200), seen.count(429)) == (RATE, 200 - RATE)
        hits = await told(side, ATTACKER, *[asking("/a/hot")] * 100)
        assert statuses(hits) == [200] * 100
        assert statuses(await told(side, READER, asking("/a/new"))) == [200]
        await asyncio.sleep(1.0)
        again = await told(side, ATTACKER, *(asking(f"/a/again{number}") for number in range(RATE)))
        assert statuses(again) == [200] * RATE

    on(play, max_misses_per_client=RATE)


def test_s18_who_is_refused_is_told_so_as_of_other_errors(on: On) -> None:
    """A problem document that a page of a declared origin can read; not for health, nor for what has no screen."""

    async def play(side: Side) -> None:
        await told(side, ATTACKER, asking("/a/1"))
        [answer] = await told(side, ATTACKER, asking("/a/2", "origin: https://a.example", "x-request-id: mine"))
        refused(b"HTTP/1.1 " + answer, 429)
        _, headers, problem = split(b"HTTP/1.1 " + answer)
        assert (headers["retry-after"], headers["x-request-id"]) == ("1", "mine")
        assert headers["access-control-allow-origin"] == "https://a.example"
        assert "max_misses_per_client" in problem["detail"]
        assert side.service.snapshot()["counters"].count(["misses_refused", [], 1]) == 1
        said = await told(side, ATTACKER, *map(asking, ["/healthz", "/no/such/screen", "/n/x", "/a/1"]))
        assert statuses(said) == [200, 404, 404, 200]

    on(play, max_misses_per_client=1)


def test_s18_what_l1_holds_does_not_count_while_nothing_is_proved(on: On) -> None:
    """A loss of Redis makes no flood of those who read what is hot; what L1 does not hold counts as ever."""

    async def play(side: Side) -> None:
        hot = [asking(f"/a/{number}") for number in range(3 * RATE)]
        for some in (hot[:RATE], hot[RATE : 2 * RATE], hot[2 * RATE :]):
            assert statuses(await told(side, READER, *some)) == [200] * RATE
            await asyncio.sleep(1.0)
        side.log.down = side.tier.down = True
        await asyncio.sleep(3.0)
        assert not side.service.health().vouching
        for _ in range(3):
            assert statuses(await told(side, READER, *hot)) == [200] * len(hot)
            await asyncio.sleep(3.0)
        flood = statuses(await told(side, ATTACKER, *(asking(f"/a/new{number}") for number in range(3 * RATE))))
        assert RATE <= flood.count(200) < 2 * RATE
        assert flood.count(429) == 3 * RATE - flood.count(200)

    on(play, max_misses_per_client=RATE)


def test_s18_what_a_gap_in_the_log_made_unproved_does_not_count(on: On) -> None:
    """Each view is loaded again once."""

    async def play(side: Side) -> None:
        hot = [asking(f"/a/{number}") for number in range(2 * RATE)]
        for some in (hot[:RATE], hot[RATE:]):
            await told(side, READER, *some)
            await asyncio.sleep(1.0)
        side.log.lose_next = 1
        await side.log.append(["lost"])
        await asyncio.sleep(1.0)
        assert side.service.follower.gaps == 1
        assert statuses(await told(side, READER, *hot)) == [200] * len(hot)

    on(play, max_misses_per_client=RATE)


def test_s18_who_names_a_position_that_is_ahead_has_that_rate(on: On) -> None:
    """To look where the log ends is a write on its server: it takes a turn, though the screen itself is a hit, and is
    not made without one."""

    async def play(side: Side) -> None:
        await told(side, READER, asking("/a/hot"))
        end = await side.log.append(["a"])
        await asyncio.sleep(SETTLED)
        beats = _counting_beats(side)
        beyond = f"aggregator-min-position: {text_of(Position(end + 1))}"
        flood = statuses(await told(side, ATTACKER, *[asking("/a/hot", beyond)] * 50))
        assert RATE <= flood.count(400) <= 2.5 * RATE  # in 1.5 s
        assert flood.count(429) == 50 - flood.count(400)
        assert len(beats) <= flood.count(400) + 2 / BEAT_EVERY

    on(play, max_misses_per_client=RATE)


def test_s18_a_request_takes_one_turn(on: On) -> None:
    """Also where it waits for a position, and L1 cannot answer it then; none where the position was reached."""

    async def play(side: Side) -> None:
        await told(side, READER, asking("/a/hot"))
        named = f"aggregator-min-position: {text_of(await side.log.append(['a']))}"
        said = await asyncio.gather(
            *(told(side, ATTACKER, asking(f"/a/{number}", named)) for number in range(RATE + 1))
        )
        assert sorted(statuses([*chain(*said)])) == [200] * RATE + [429]
        assert statuses(await told(side, ATTACKER, *[asking("/a/hot", named)] * 50)) == [200] * 50

    on(play, max_misses_per_client=RATE)


def test_s18_what_no_mbu_can_be_asked_for_counts(on: On) -> None:
    """As that is found behind L1; what is refused before L1 is asked does not count."""

    async def play(side: Side) -> None:
        said = await told(side, ATTACKER, *map(asking, ["/n/x", "/need", "/a/%2E%2E", "/a/1"]))
        assert statuses(said) == [404, 400, 404, 429]

    on(play, max_misses_per_client=1)


def test_s18_behind_a_declared_proxy_each_client_has_its_rate(on: On) -> None:
    """As the proxy tells them apart; nobody gets another one by what they say themselves."""

    async def play(side: Side) -> None:
        def of(client: str, number: int) -> bytes:
            return asking(f"/a/{client}-{number}", f"x-forwarded-for: 203.0.113.{number}, {client}")

        for client in (ATTACKER, READER):
            said = await told(side, PROXY, *(of(client, number) for number in range(4)))
            assert statuses(said) == [200, 200, 429, 429]
        said = await told(side, "203.0.113.1", *(of("203.0.113.2", number) for number in range(4)))
        assert statuses(said) == [200, 200, 429, 429]

    on(play, max_misses_per_client=2, trusted_proxies="10.0.0.0/8")


def test_s20_a_client_has_so_many_connections(on: On) -> None:
    """One more is 429 and closed before anything is read of it; others are let in, and the next when one is over."""

    async def play(side: Side) -> None:
        mine = [side.connect(ATTACKER) for _ in range(3)]
        _is_refused(side.connect(ATTACKER))
        reader = side.connect(READER)
        reader.send(asking("/a/1"))
        mine[0].send(asking("/a/1"))
        await asyncio.sleep(SETTLED)
        assert statuses([*answers(reader), *answers(mine[0])]) == [200, 200]
        mine[1].leave()
        assert not side.connect(ATTACKER).closed
        _is_refused(side.connect(ATTACKER))
        assert ["connections_refused", ["max_connections_per_client"], 2] in side.service.snapshot()["counters"]
        await asyncio.sleep(6.0)  # those that are idle are closed by then
        assert [side.connect(ATTACKER).closed for _ in range(4)] == [False] * 3 + [True]

    on(play, max_connections_per_client=3)


@pytest.mark.parametrize("said", [{}, {"max_connections_per_client": 3, "trusted_proxies": "192.0.2.0/24"}])
def test_s20_a_proxy_has_as_many_connections_as_it_needs(on: On, said: dict[str, Any]) -> None:
    """And so has everybody where nothing is declared: proxies that nobody declared are clients like others."""

    async def play(side: Side) -> None:
        assert not any(side.connect(ATTACKER).closed for _ in range(100))

    on(play, **said)


def _is_refused(transport: ScriptedTransport) -> None:
    refused(bytes(transport.said), 429)
    _, headers, problem = split(bytes(transport.said))
    assert (headers["retry-after"], headers["connection"], transport.closed) == ("1", "close", True)
    assert "max_connections_per_client" in problem["detail"]


def _counting_beats(side: Side) -> list[None]:
    """One for each that the log is asked for from now on."""
    beats: list[None] = []
    beat = side.log.beat

    async def counted() -> Beat:
        beats.append(None)
        return await beat()

    side.log.beat = counted  # type: ignore[method-assign]
    return beats

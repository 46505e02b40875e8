"""Whatever is sent, however it is cut: the quick path says byte for byte what the ordinary one says."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from aggregator.model.tags import screen_tag
from aggregator.settings import Settings
from tests.requests_made import Maker, each_oddity
from tests.scale import scale
from tests.screens_of_all_kinds import SECRET, Echoing, catalogue
from tests.scripted_transport import ScriptedTransport
from tests.twins import SETTLED, Twins, told
from tests.virtual_time import run

_TAG = re.compile(rb'\r\netag: ("[^"]*")')
Step = tuple[str, Any]


class Talk:
    """Conversations with both at once. asked, at_once, begun: requests so far, and how many of them the quick one
    answered at once and directly. pairs: of twins that it took."""

    def __init__(self, chance: random.Random) -> None:
        self.asked = self.at_once = self.begun = self.pairs = 0
        self._chance = chance

    async def meet(self, talk: Callable[[], Awaitable[None]]) -> None:
        """Talk with a new pair of twins."""
        limits = Settings(max_target_bytes="512B", max_header_bytes="4KiB")  # type: ignore[arg-type]
        async with Twins(catalogue(), Echoing(), limits) as self._twins:
            self._maker = Maker(self._chance, self._twins.now)
            await talk()
            self.at_once += self._twins.counted.at_once
            self.begun += self._twins.counted.begun
        self.pairs += 1

    async def go_on(self, until: int) -> None:
        """Ask so many requests in all, or until the twins are not alike any more."""
        await self.warm()
        while self.asked < until and self._twins.alike:
            await self.converse()

    async def warm(self) -> None:
        """Have every form made that is made behind an answer: the second answer does not depend on the first one's."""
        for number in range(4):
            for coding in ("gzip", "br", "zstd"):
                for accept in ("*/*", "application/msgpack"):
                    lines = f"host: x\r\naccept: {accept}\r\naccept-encoding: {coding}"
                    request = f"GET /lasting/{number} HTTP/1.1\r\n{lines}\r\n\r\n".encode()
                    await self._converse([("send", request)])

    async def ask_each(self) -> None:
        """Every oddity alone: twice, as the second time L1 holds what is asked for."""
        for request in each_oddity():
            for _ in range(2):
                await self._converse([("send", request)])

    async def converse(self) -> None:
        """One connection's life."""
        if self._chance.random() < 0.05:
            await self._invalidate()
        await self._converse(self._steps())

    async def _converse(self, steps: list[Step]) -> None:
        transports = self._twins.connect()
        for step in [*steps, self._pause([SETTLED])]:
            for transport in transports:
                _play(transport, step)
            await asyncio.sleep(step[1] if step[0] == "pass" else 0.0)
            if step[0] == "pass" and step[1] >= SETTLED:
                self._compare(transports, steps)
        for transport in transports:
            transport.leave()

    def _compare(self, transports: list[ScriptedTransport], steps: list[Step]) -> None:
        one, other = transports
        said = told(one), told(other)
        assert said[0] == said[1], f"quick: {said[0]!r}\nordinary: {said[1]!r}\nsteps: {steps}"
        states = [(one.closed, one.reading_paused and not one.closed) for one in transports]
        assert states[0] == states[1], f"closed, paused: {states}\nsaid: {said[0]!r}\nsteps: {steps}"
        self._maker.tags = [*self._maker.tags, *_TAG.findall(said[0])][-30:]

    async def _invalidate(self) -> None:
        tag = self._chance.choice(["card:1", "card:2", "card:42", screen_tag("a_id"), screen_tag("search")])
        for side in self._twins.sides:
            await side.log.append([tag])
        await asyncio.sleep(self._pause([SETTLED])[1])

    def _steps(self) -> list[Step]:
        """What a client does: it waits for answers, asks the same again, sends in pieces, all at once or one behind the
        other, or reads nothing for a while."""
        chance = self._chance
        kind = chance.randrange(10)
        count = chance.choice([1, 1, 2, 3, 5])
        requests = [self._maker.request(chance.choice([0.0, 0.3, 0.6])) for _ in range(count)]
        self.asked += count
        if kind == 0:
            return [step for _ in range(4) for step in (("send", requests[0]), self._pause())]
        if kind < 5:
            return [step for request in requests for step in (("send", request), self._pause())]
        if kind < 7:
            return [("send", piece) for piece in self._cut(b"".join(requests))]
        if kind == 7:
            return [("send", b"".join(requests)), self._pause(), ("send", requests[0])]
        if kind == 8:
            return [("send", request) for request in requests]
        return [
            ("stall", None),
            *(("send", request) for request in requests * 9),
            self._pause([0.2, 1.0]),
            ("read", None),
        ]

    def _pause(self, seconds: Sequence[float] = (SETTLED, SETTLED, SETTLED, 0.01, 0.8, 1.0, 4.9, 5.0, 5.1)) -> Step:
        """About as long: never to the very instant at which something ends, which two clocks do not have in common."""
        return ("pass", self._chance.choice(seconds) * self._chance.uniform(1.0, 1.01))

    def _cut(self, data: bytes) -> list[bytes]:
        """In pieces, anywhere; an oddity may have left no byte at all."""
        places = sorted(self._chance.randrange(len(data) + 1) for _ in range(self._chance.choice([1, 1, 2, 4])))
        return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True) if end > start]


def _play(transport: ScriptedTransport, step: Step) -> None:
    match step:
        case ("send", data):
            transport.send(data)
        case ("stall", _):
            transport.reads = False
        case ("read", _):
            transport.read()


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", SECRET)
    # What is no HTTP is refused by this machine's own clock, whose seconds turn.
    monkeypatch.setattr("aggregator.http.wire.formatdate", lambda **_: "now")


def test_both_paths_say_the_same_of_each_oddity() -> None:
    """One at a time, whether L1 holds the view already or not."""

    async def play() -> None:
        talk = Talk(random.Random(0))
        await talk.meet(talk.ask_each)
        assert talk.at_once > 100

    run(play())


@pytest.mark.prove
@pytest.mark.timeout(1_200)
def test_both_paths_say_the_same() -> None:
    """Dates included; but for the ids of requests that have none of their own."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    run(_talk(seed, scale(3_000, 100_000)))


async def _talk(seed: int, requests: int) -> None:
    talk = Talk(random.Random(seed))
    while talk.asked < requests:
        await talk.meet(lambda: talk.go_on(requests))
    print(f"{talk.asked} requests, {talk.at_once} hits, {talk.begun} direct, {talk.pairs} pairs of twins")
    assert talk.at_once > requests / 12
    assert talk.begun > requests / 12

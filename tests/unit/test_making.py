"""Other forms are made once, behind the first answer that could have been in one, and within bounds."""

import asyncio
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import brotli
import msgpack
import orjson
import pytest

from aggregator.engine.answer import Answer
from aggregator.http import making
from aggregator.http.making import Making
from aggregator.model.held import Form, Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN
from aggregator.model.screen import Screen, Slot
from aggregator.model.view import View, digest_of
from aggregator.tiers.memory import FORM_OVERHEAD, LARGEST_SHARE, VIEW_OVERHEAD, MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Timing, plain_moments
from tests.world import fragment, screen

HOME = screen(Slot("feed", fragment("feed")))
FEED = {"data": {"feed": [{"id": number, "title": "A title"} for number in range(100)]}}
BODY = orjson.dumps(FEED)
TIMING = Timing(0.0, Lifetime(60.0))


def view(body: bytes = BODY, status: int = 200) -> View:
    """A view with this body."""
    return View(status, body, digest_of(body), tuple(HOME.common_tags), ORIGIN, TIMING, plain_moments(TIMING), 0.0)


class Bench:
    """An L1, what makes forms for it, and which were made, in which threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capacity: int = 1 << 20) -> None:
        self.memory = MemoryTier(capacity, Ledger(), Lru(), HOME.common_tags)
        self.making = Making(self.memory)
        self.made: list[str] = []
        self.threads: list[threading.Thread] = []
        self._original: Callable[[str, bytes], bytes | None] = making.made
        monkeypatch.setattr(making, "made", self._counted)

    def put(self, body: bytes = BODY, address: bytes = b"/home/42", screen: Screen = HOME) -> Held:
        """Hold a view."""
        held = self.memory.put(screen, address, view(body))
        assert held
        return held

    async def idle(self) -> None:
        """Let everything be made."""
        while len(self.making):  # noqa: ASYNC110  # threads tell nobody else that they are done
            await asyncio.sleep(0)

    def _counted(self, form: str, body: bytes) -> bytes | None:
        self.made.append(form)
        self.threads.append(threading.current_thread())
        return self._original(form, body)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An L1 of 1 MiB."""
    return Bench(monkeypatch)


def test_a_coding_is_made_once_behind_the_first_answer(bench: Bench) -> None:
    """Which is JSON as it is, as are those that come meanwhile."""

    async def story() -> None:
        held = bench.put()
        assert [bench.making.best(held, "br") for _ in range(3)] == [held] * 3
        assert (bench.made, len(bench.making)) == ([], 1)
        await bench.idle()
        best = bench.making.best(held, "br")
        assert brotli.decompress(best.body) == BODY
        assert best is bench.making.best(held, "br")
        assert (best.name, bench.made, bench.threads) == ("br", ["br"], [threading.main_thread()])

    asyncio.run(story())


def test_msgpack_is_made_at_once_and_its_coding_behind(bench: Bench) -> None:
    """Who takes only that has to be given it; each once."""

    async def story() -> None:
        held = bench.put()
        packed = bench.making.best(held, "msgpack")
        assert (packed.name, msgpack.unpackb(packed.body), len(bench.making)) == ("msgpack", FEED, 0)
        assert bench.making.best(held, "msgpack-br") is packed
        await bench.idle()
        coded = bench.making.best(held, "msgpack-br")
        assert (coded.name, brotli.decompress(coded.body)) == ("msgpack-br", packed.body)
        assert bench.making.best(held, "msgpack") is packed
        assert bench.made == ["msgpack", "msgpack-br"]

    asyncio.run(story())


@pytest.mark.parametrize(("form", "given"), [("br", ""), ("msgpack-br", "msgpack")])
def test_s30_of_a_screen_that_tells_nothing_of_the_cache_no_coding_is_made(bench: Bench, form: str, given: str) -> None:
    """Only who comes later would get it. MessagePack is made at once, so that it tells nothing."""
    held = bench.put(screen=replace(HOME, tells_cache=False))
    assert [bench.making.best(held, form).name for _ in range(2)] == [given] * 2
    assert len(bench.making) == 0


@pytest.mark.parametrize(("body", "form"), [(b'{"data":{}}', "br"), (BODY[:1_023], "zstd")])
def test_a_small_body_stays_as_it_is(body: bytes, form: str, bench: Bench) -> None:
    """Nothing is begun, and nothing remembered."""
    held = bench.put(body)
    assert bench.making.best(held, form) is held
    assert (len(bench.making), held.forms) == (0, None)


def test_what_does_not_get_smaller_is_tried_once(bench: Bench) -> None:
    """It is remembered without bytes."""

    async def story() -> None:
        held = bench.put(random.Random(0).randbytes(2_000))
        for _ in range(3):
            assert bench.making.best(held, "br") is held
            await bench.idle()
        assert bench.made == ["br"]
        assert held.forms
        assert held.forms["br"].body == b""

    asyncio.run(story())


def test_what_nests_too_deep_for_msgpack_is_tried_once(bench: Bench) -> None:
    """It stays JSON, also in a coding."""

    async def story() -> None:
        held = bench.put(b"[" * 1_025 + b"]" * 1_025)
        for _ in range(2):
            assert bench.making.best(held, "msgpack") is held
            assert bench.making.best(held, "msgpack-br") is held
            await bench.idle()
        assert bench.made == ["msgpack", "msgpack-br"]

    asyncio.run(story())


def test_so_many_are_made_at_once_at_most(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that an answer stays as it is, and the next one asks again."""
    monkeypatch.setattr(making, "_MOST", 3)

    async def story() -> None:
        views = [bench.put(address=b"/home/%d" % number) for number in range(5)]
        assert [bench.making.best(held, "br") for held in views] == views
        assert len(bench.making) == 3
        await bench.idle()
        assert [bench.making.best(held, "br").name for held in views] == ["br"] * 3 + [""] * 2
        await bench.idle()
        assert [bench.making.best(held, "br").name for held in views] == ["br"] * 5
        assert bench.made == ["br"] * 5

    asyncio.run(story())


@pytest.mark.parametrize("replaced", [False, True])
def test_what_was_expelled_meanwhile_has_no_form(replaced: bool, bench: Bench) -> None:
    """Nor has the view that came in its place, until it is asked for one."""

    async def story() -> None:
        held = bench.put()
        bench.making.best(held, "br")
        bench.memory.remove(held)
        now = bench.put(BODY.replace(b"A title", b"A tower")) if replaced else None
        await bench.idle()
        assert held.forms is None
        assert bench.memory.size == (now.cost if now else 0)
        if now:
            assert bench.making.best(now, "br") is now
            await bench.idle()
            assert b"A tower" in brotli.decompress(bench.making.best(now, "br").body)

    asyncio.run(story())


def test_r42_a_large_body_is_coded_on_another_thread(bench: Bench) -> None:
    """What takes long would hold up everybody."""

    async def story() -> None:
        held = bench.put(orjson.dumps({"data": {"feed": ["A title"] * 3_000}}))
        assert bench.making.best(held, "br") is held
        await bench.idle()
        assert brotli.decompress(bench.making.best(held, "br").body) == held.body
        assert threading.main_thread() not in bench.threads
        assert bench.made == ["br"]

    asyncio.run(story())


@pytest.mark.parametrize("room", [80, FORM_OVERHEAD])
@pytest.mark.parametrize("form", ["br", "msgpack"])
def test_a_coding_for_which_there_is_no_room_is_made_once(
    form: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its view, which just fits, would be too large with it. Who takes MessagePack is given it each time all the
    same."""
    bench = Bench(monkeypatch, capacity=LARGEST_SHARE * (len(BODY) + VIEW_OVERHEAD + room))

    async def story() -> None:
        held = bench.put()
        for _ in range(4):
            best = bench.making.best(held, form)
            assert best.name == ("msgpack" if form == "msgpack" else "")
            await bench.idle()
        assert bench.memory.find(b"/home/42") is held
        assert bench.made == (["msgpack"] * 4 if form == "msgpack" else ["br"])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answered", "wanted", "name"),
    [
        (view(), "", None),
        (view(), "br", None),
        (view(), "msgpack", "msgpack"),
        (view(), "msgpack-br", "msgpack"),
        (view(status=404), "msgpack", None),
        (view(b"[" * 1_025 + b"]" * 1_025), "msgpack", None),
    ],
)
def test_what_is_not_held_is_packed_at_once_or_stays_as_it_is(
    answered: View, wanted: str, name: str | None, bench: Bench
) -> None:
    """Nothing is made behind it, and a problem is JSON."""
    body = bench.making.body(answer(answered), wanted)
    assert (body.name if body else None) == name
    assert len(bench.making) == 0


def answer(given: View, held: Held | None = None) -> Answer:
    """An answer of it."""
    return Answer(given, "l1", 1.0, 59.0, False, False, held=held)


def test_what_is_held_is_given_in_the_best_form_there_is(bench: Bench) -> None:
    """None = as it is."""

    async def story() -> None:
        held = bench.put()

        def given(form: str) -> Any:
            return bench.making.body(answer(held.view(), held), form)

        assert given("") is None
        assert given("br") is None
        await bench.idle()
        assert isinstance(given("br"), Form)
        assert given("br") is bench.making.best(held, "br")

    asyncio.run(story())

"""Other forms of what L1 holds are made behind answers, and go with it when it is invalidated."""

import asyncio
from typing import Any, NamedTuple

import brotli
import msgpack
import orjson

from aggregator.model.screen import Slot
from tests.virtual_time import run
from tests.world import Process, World, fragment, screen

HOME = screen(Slot("feed", fragment("feed")))
BR, PACKED = "Accept-Encoding: br", "Accept: application/msgpack"


def feed(title: str) -> list[dict[str, Any]]:
    """A payload that is worth a coding."""
    return [{"id": number, "title": title} for number in range(100)]


class Got(NamedTuple):
    """A response."""

    first: bytes
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def coding(self) -> bytes:
        """Its content coding."""
        return self.headers.get(b"content-encoding", b"")

    @property
    def feed(self) -> Any:
        """What it shows, however it is written."""
        body = brotli.decompress(self.body) if self.coding else self.body
        packed = self.headers[b"content-type"] == b"application/msgpack"
        return (msgpack.unpackb(body) if packed else orjson.loads(body))["data"]["feed"]


async def get(process: Process, *lines: str, method: str = "GET") -> Got:
    """What a process answers, as bytes come in and go out: at once, or a little later."""
    request = "\r\n".join([f"{method} /home/42 HTTP/1.1", "Host: x", *lines, "", ""]).encode()
    direct, later = process.service.direct, asyncio.get_running_loop().create_future()
    answer = direct.hits.answer(request)
    if answer is None:
        assert direct.begin(request, later.set_result, "")
        answer = await later
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *told = head.split(b"\r\n")
    return Got(first, dict(line.split(b": ", 1) for line in told), body)


def test_a_coding_comes_behind_the_first_answer_from_l1() -> None:
    """What is composed is answered as it is, and so is the hit that asks for it; the next one is coded."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old"))
            [process] = world.processes
            answers = []
            for _ in range(4):
                answers.append(await get(process, BR))
                await asyncio.sleep(0.001)
            assert [answer.coding for answer in answers] == [b"", b"", b"br", b"br"]
            assert all(answer.feed == feed("old") for answer in answers)
            plain, coded = answers[1].headers, answers[2].headers
            assert coded[b"etag"] == plain[b"etag"][:-1] + b'-br"'
            assert coded[b"vary"] == plain[b"vary"] == b"accept, accept-encoding"
            assert int(coded[b"content-length"]) == len(answers[2].body) < len(answers[1].body)
            assert (await get(process)).coding == b""

    run(story())


def test_what_l2_gave_is_coded_as_well() -> None:
    """Each process makes its own, the same bytes with the same tag."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("feed", feed("old"))
            for process in world.processes:
                for _ in range(2):
                    await get(process, BR)
                    await asyncio.sleep(0.01)
            one, other = [await get(process, BR) for process in world.processes]
            assert (one.coding, one.body) == (b"br", other.body)
            assert one.headers[b"etag"] == other.headers[b"etag"]
            assert world.calls() == 1

    run(story())


def test_msgpack_is_given_at_once() -> None:
    """From the first answer on; its coding comes behind."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old"))
            [process] = world.processes
            codings = []
            for _ in range(3):
                answer = await get(process, PACKED, BR)
                assert answer.headers[b"content-type"] == b"application/msgpack"
                assert answer.feed == feed("old")
                codings.append(answer.coding)
                await asyncio.sleep(0.001)
            assert codings == [b"", b"", b"br"]

    run(story())


def test_an_invalidation_takes_the_forms_with_it() -> None:
    """Whether they are there or being made: nobody is given one of what was."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old"))
            [process] = world.processes
            for answers in (1, 2, 3):
                for _ in range(answers):
                    await get(process, BR)
                    await asyncio.sleep(0)
                world.put("feed", feed(f"new {answers}"))
                await world.invalidate("feed:42")
                for _ in range(3):
                    assert (await get(process, BR)).feed == feed(f"new {answers}")
                    await asyncio.sleep(0.001)
            await process.service._background.drain(1.0)
            [held] = process.service.memory._views.values()
            assert process.service.memory.size == held.cost

    run(story())


def test_what_is_begun_and_overtaken_is_made_for_nobody() -> None:
    """1. A hit begins a coding. 2. The view is expelled. 3. The coding is there, and belongs to no view."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old"))
            [process] = world.processes
            memory, making = process.service.memory, process.service.direct._making
            await get(process)
            [held] = memory._views.values()
            await get(process, BR)
            assert len(making) == 1
            memory.overtake("feed:42", process.service.ledger.head + 1)
            await asyncio.sleep(0)
            assert (len(making), held.forms, memory.size, len(memory)) == (0, None, 0, 0)

    run(story())


def test_a_copy_counts_where_its_form_is_wanted() -> None:
    """Whether that form is there now or not, and for nobody else; GET and HEAD say the same."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old"))
            [process] = world.processes
            for _ in range(3):
                coded = await get(process, BR)
                await asyncio.sleep(0.001)
            tag = coded.headers[b"etag"].decode()
            await world.invalidate("feed:42")
            for method in ("GET", "HEAD", "GET", "GET"):
                same = await get(process, BR, f"If-None-Match: {tag}", method=method)
                assert (same.first, same.body) == (b"HTTP/1.1 304 Not Modified", b"")
                assert same.headers[b"etag"].decode() == tag
                assert b"content-encoding" not in same.headers
                for lines in ((), (PACKED,)):
                    got = await get(process, *lines, f"If-None-Match: {tag}", method=method)
                    assert got.first == b"HTTP/1.1 200 OK"
                await asyncio.sleep(0.001)
            await world.invalidate("feed:42")
            world.put("feed", feed("new"))
            assert (await get(process, BR, f"If-None-Match: {tag}")).first == b"HTTP/1.1 200 OK"

    run(story())


def test_a_small_view_stays_as_it_is() -> None:
    """Below a kilobyte no coding is made, however often it is asked for."""

    async def story() -> None:
        async with World(HOME) as world:
            world.put("feed", feed("old")[:2])
            [process] = world.processes
            for _ in range(4):
                assert (await get(process, BR)).coding == b""
                await asyncio.sleep(0.001)
            [held] = process.service.memory._views.values()
            assert held.forms is None

    run(story())

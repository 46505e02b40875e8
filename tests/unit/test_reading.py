"""Reads are noted at once, and counted into heat a little later or as the view goes."""

import asyncio

import pytest

from aggregator.clock import FleetClock
from aggregator.engine.reading import Reading
from aggregator.model.heat import Heat
from aggregator.model.held import Held, hold
from aggregator.model.part import Part, Piece
from aggregator.model.position import ORIGIN
from aggregator.model.view import Stamp, compose
from tests.virtual_time import run
from tests.world import Slot, fragment, screen

SLOT = Slot("feed", fragment("feed"))
HOME = screen(SLOT)


def held(address: bytes = b"/home/1") -> Held:
    return hold(HOME, address, compose(HOME, [Part(SLOT, (Piece(None),))], Stamp((), ORIGIN, 0.0)), 0)


def reading() -> Reading:
    return Reading(Heat(), FleetClock(asyncio.get_running_loop().time, wall=0.0))


def heat(noted: Reading, address: bytes = b"/home/1") -> float:
    return noted.heat.of(address, asyncio.get_running_loop().time() - 1_000.0)


def test_reads_are_counted_once_whenever_they_were() -> None:
    async def play() -> None:
        noted, one = reading(), held()
        counting = asyncio.ensure_future(noted.run())
        for reads in (3, 2):
            for _ in range(reads):
                noted.note(one)
            assert one.reads == reads
            await asyncio.sleep(1.5)
            assert one.reads == 0
        assert heat(noted) == pytest.approx(5, rel=0.02)
        await asyncio.sleep(3.0)
        assert heat(noted) == pytest.approx(5, rel=0.04)
        assert noted._read == []
        counting.cancel()

    run(play())


def test_what_goes_is_counted_at_once() -> None:
    async def play() -> None:
        noted, one = reading(), held()
        for _ in range(3):
            noted.note(one)
        noted.count(one)
        noted.count(one)
        assert (heat(noted), one.reads) == (3, 0)

    run(play())


def test_a_read_of_what_was_not_held_counts_too() -> None:
    async def play() -> None:
        noted = reading()
        noted.note_at(b"/home/2")
        assert heat(noted, b"/home/2") == 1

    run(play())


def test_who_asks_for_it_is_told_of_reads_as_they_are_counted() -> None:
    """Of a held view's together, and of those that were presumed not at all."""

    async def play() -> None:
        noted, one, told = reading(), held(), list[tuple[bytes, int]]()
        noted.on_counted = lambda address, reads: told.append((address, reads))
        noted.note(one)
        noted.note(one)
        noted.note_at(b"/home/2")
        noted.presume(b"/home/3")
        noted.count(one)
        noted.count(one)
        assert told == [(b"/home/2", 1), (b"/home/1", 2)]

    run(play())

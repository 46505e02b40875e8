"""What an MBU sends without end, or small to become large, is cut at a limit or the deadline, and takes no memory."""

import asyncio
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest

from aggregator.http.codings import zstd
from loaders.deadline import Deadline
from loaders.gathering import Gathering
from loaders.http import HttpLoader
from loaders.loader import Failed, LoadRequest, Reason
from tests.http.raw_mbu import OK, Exchange, answer, raw_mbu
from tests.http.test_http_loader import failure

MIB, BLANKS = 2**20, b" " * 2**20
SIZE = 200  # MiB, of which each bomb becomes as many


def gzip(wbits: int = 31) -> Iterator[bytes]:
    press = zlib.compressobj(9, wbits=wbits)
    yield from (press.compress(BLANKS) for _ in range(SIZE))
    yield press.flush()


def members() -> Iterator[bytes]:
    """As many whole files one behind the other."""
    press = zlib.compressobj(9, wbits=31)
    one = press.compress(BLANKS) + press.flush()
    yield from [one] * SIZE


def nested() -> Iterator[bytes]:
    press = zlib.compressobj(9, wbits=31)
    yield from map(press.compress, gzip())
    yield press.flush()


def br() -> Iterator[bytes]:
    press = brotli.Compressor(quality=3)
    yield from (press.process(BLANKS) for _ in range(SIZE))
    yield press.finish()


def zst() -> Iterator[bytes]:
    press = zstd.ZstdCompressor(1)
    yield from (press.compress(BLANKS) for _ in range(SIZE))
    yield press.flush()


BOMBS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "gzip": ("gzip", gzip),
    "gzip of many members": ("gzip", members),
    "gzip in gzip, told once": ("gzip", nested),
    "gzip in gzip": ("gzip, gzip", nested),
    "x-gzip": ("x-gzip", gzip),
    "deflate": ("deflate", lambda: gzip(15)),
    "raw deflate": ("deflate", lambda: gzip(-15)),
    "br": ("br", br),
    "zstd": ("zstd", zst),
}


def peak() -> int:
    """Bytes that this process has had in memory since it was last reset."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("what", BOMBS)
def test_s22_a_bomb_is_cut_early_in_every_coding(what: str) -> None:
    """Of 200 MiB in less than 400 kB; what is not decoded here is refused by its name."""
    coding, made = BOMBS[what]
    bomb = b"".join(made())
    assert len(bomb) < 400_000
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    assert failure(answer(bomb, b"content-encoding: " + coding.encode())).reason in (Reason.PAYLOAD, Reason.CONNECT)
    assert peak() - before < 30 * MIB


async def _again(exchange: Exchange, begin: bytes, piece: bytes, pause: float) -> None:
    exchange.writer.write(begin)
    try:
        while not exchange.writer.is_closing():
            exchange.writer.write(piece)
            await exchange.writer.drain()
            await asyncio.sleep(pause)
    except ConnectionError:
        pass
    exchange.closed.set()


STREAMS = {
    "header lines": (OK, b"x-a: b\r\n", 0.0),
    "one header line": (OK + b"x: ", b"x" * 65_536, 0.0),
    "a status line": (b"", b"HTTP/1.1 ", 0.0),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.0),
    "a head that drips": (OK + b"x: ", b"x", 0.01),
    "a body that drips": (OK + b"content-length: 100000\r\n\r\n", b" ", 0.01),
    "chunks that drip": (OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.01),
    "an extension of a chunk": (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"x" * 65_536, 0.0),
    "trailers": (OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"x-a: b\r\n", 0.0),
}


@pytest.mark.parametrize("what", STREAMS)
def test_s23_what_goes_on_for_ever_is_cut(what: str) -> None:
    """At a limit or at the deadline, whichever part of an answer it is; the connection is closed."""

    async def run() -> object:
        async with raw_mbu(lambda exchange: _again(exchange, *STREAMS[what])) as mbu:
            loader = Deadline(Gathering(HttpLoader(mbu.url)), 0.5)
            (outcome,) = await loader.load([LoadRequest("/x")])
            await asyncio.wait_for(mbu.closed.wait(), 10.0)
            await loader.close()
            return outcome

    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    outcome = asyncio.run(run())
    assert isinstance(outcome, Failed)
    assert outcome.reason in (Reason.CONNECT, Reason.DEADLINE, Reason.PAYLOAD)
    assert peak() - before < 30 * MIB

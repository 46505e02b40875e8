"""The HTTP loader against MBUs that answer as they should not, each a real server on loopback."""

import asyncio
import gzip
import resource
import zlib

import pytest

from loaders.deadline import Deadline
from loaders.gathering import Gathering
from loaders.http import HttpLoader
from loaders.loader import UNREADABLE, Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason
from tests.http.raw_mbu import OK, Exchange, Script, answer, raw_mbu

DEADLINE = 20.0


async def ask(
    script: Script | bytes, deadline: float = DEADLINE, target: str = "/x", max_payload: int = 2**20
) -> Outcome:
    """One load through a Deadline."""
    async with raw_mbu(script) as mbu:
        loader = Deadline(Gathering(HttpLoader(mbu.url, max_payload=max_payload)), deadline)
        try:
            (outcome,) = await loader.load([LoadRequest(target)])
            return outcome
        finally:
            await loader.close()


def failure(script: Script | bytes, **options: float | int) -> Failed:
    outcome = asyncio.run(ask(script, **options))  # type: ignore[arg-type]
    assert isinstance(outcome, Failed)
    return outcome


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"NaN",
        b'{"a":Infinity}',
        b'{"a":1',
        b'{"a":1}}',
        b"{'a':1}",
        b'{"a":1,}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xef\xbb\xbf{}",
        '{"secret":"s3cret"'.encode("utf-16"),
        b"[" * 2000 + b"]" * 2000,
        b"\x0c{}",
        b"<html>s3cret</html>",
        b'"a\nb"',
        b"01",
    ],
)
def test_what_is_not_json_is_a_payload_failure_that_does_not_show_the_payload(body: bytes) -> None:
    failed = failure(answer(body))
    assert failed.reason is Reason.PAYLOAD
    assert "s3cret" not in failed.detail


def test_a_payload_stays_as_it_was_but_for_white_space_around_it() -> None:
    body = b'{ "b" : 1.0e2,\t"a":"\\u00e9\xc3\xa9\\/", "b":12345678901234567890123 }'
    outcome = asyncio.run(ask(answer(b"\r\n\t " + body + b" \n")))
    assert isinstance(outcome, Loaded)
    assert outcome.payload == body


def test_a_payload_of_exactly_the_limit_is_loaded_and_one_byte_more_is_not() -> None:
    just = b'"' + b"a" * 998 + b'"'
    assert isinstance(asyncio.run(ask(answer(just), max_payload=1000)), Loaded)
    assert failure(answer(just + b" "), max_payload=1000).reason is Reason.PAYLOAD


@pytest.mark.parametrize("also", [b"", b"content-length: 5\r\n"])
def test_s23_an_endless_body_is_cut_at_the_limit_and_not_at_the_deadline(also: bytes) -> None:
    """Also where it says besides how long it is, which does not count then."""

    async def endless(exchange: Exchange) -> bytes:
        return OK + also + b"transfer-encoding: chunked\r\n\r\n" + b"40000\r\n" + b" " * 0x40000 + b"\r\n"

    assert failure(endless, max_payload=100_000).reason is Reason.PAYLOAD


def test_s22_a_compressed_bomb_is_cut_early_and_costs_no_memory() -> None:
    """300 MiB of blanks in 300 KB: the cap holds for the decompressed bytes."""
    press = zlib.compressobj(9, wbits=31)
    blanks = bytes(2**20).replace(b"\0", b" ")
    bomb = b"".join(press.compress(blanks) for _ in range(300)) + press.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert failure(answer(bomb, b"content-encoding: gzip")).reason is Reason.PAYLOAD
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 * 1024  # KiB


def test_gzip_is_decoded_and_any_other_coding_is_refused() -> None:
    pressed = gzip.compress(b'{"a":1}')
    outcome = asyncio.run(ask(answer(pressed, b"Content-Encoding: gzip")))
    assert isinstance(outcome, Loaded)
    assert outcome.payload == b'{"a":1}'
    for coding in (b"br", b"zstd", b"gzip, gzip", b"x-s3cret"):
        assert failure(answer(b"{}", b"content-encoding: " + coding)).reason is Reason.PAYLOAD
    assert failure(answer(b"no gzip", b"content-encoding: gzip")).reason is Reason.PAYLOAD
    assert failure(answer(pressed[:-6], b"content-encoding: gzip")).reason in (Reason.PAYLOAD, Reason.CONNECT)


@pytest.mark.parametrize(
    "status", [b"201 Created", b"206 Partial", b"301 Moved", b"307 Temporary", b"400 Bad", b"500 No"]
)
def test_any_other_status_is_a_failure_and_a_redirect_is_not_followed(status: bytes) -> None:
    async def run() -> tuple[Outcome, int]:
        script = answer(b"{}", b"location: /elsewhere", b"retry-after: 7", status=status)
        async with raw_mbu(script) as mbu:
            loader = HttpLoader(mbu.url)
            outcome = await loader.load_one(LoadRequest("/x"))
            await loader.close()
            return outcome, len(mbu.exchanges)

    number = int(status[:3])
    assert asyncio.run(run()) == (Failed(Reason.STATUS, f"status {number}", 7.0, number), 1)


@pytest.mark.parametrize("value", [b"-1", b"1.5", b"Wed, 21 Oct 2015 07:28:00 GMT", b"9" * 5000, b"\xb2"])
def test_a_retry_after_that_is_no_number_of_seconds_is_left_out(value: bytes) -> None:
    assert failure(answer(b"", b"retry-after: " + value, status=b"503 No")).retry_after is None


def test_an_mbu_can_say_that_there_is_nothing_or_nothing_new() -> None:
    for status in (b"404 Not Found", b"410 Gone"):
        assert asyncio.run(ask(answer(b"<html>", b"cache-tag: a", status=status))) == Absent(
            {"cache-tag": "a", "content-length": "6"}
        )
    assert asyncio.run(ask(b"HTTP/1.1 204 No Content\r\n\r\n")) == Absent({})
    assert asyncio.run(ask(b'HTTP/1.1 304 Not Modified\r\netag: "v"\r\n\r\n')) == NotModified({"etag": '"v"'})


@pytest.mark.parametrize(
    "said",
    [
        b"",
        OK,
        OK + b"content-length: 20\r\n\r\n{}",
        OK + b"transfer-encoding: chunked\r\n\r\n5\r\n{}",
        OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        OK + b"x: a\0b\r\n\r\n{}",
        b"hello\r\n\r\n",
    ],
)
def test_a_connection_that_is_cut_or_talks_no_http_is_a_connect_failure(said: bytes) -> None:
    assert failure(said).reason is Reason.CONNECT


def test_a_content_length_that_is_too_short_cuts_the_json() -> None:
    assert failure(OK + b"content-length: 1\r\n\r\n{}").reason is Reason.PAYLOAD


def test_nobody_listening_is_a_connect_failure_that_does_not_name_the_target() -> None:
    async def run() -> Outcome:
        loader = HttpLoader("http://127.0.0.1:1")
        return await loader.load_one(LoadRequest("/users/s3cret"))

    failed = asyncio.run(run())
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.CONNECT
    assert "s3cret" not in failed.detail


@pytest.mark.parametrize("said", [b"", OK + b"content-length: 9\r\n\r\n{"])
def test_r43_s23_a_hung_mbu_is_cut_at_the_deadline_and_its_connection_is_closed(said: bytes) -> None:
    """Closed, not only left alone: pyreqwest goes on with a call whose task is cancelled."""

    async def run() -> Outcome:
        async def hung(exchange: Exchange) -> None:
            exchange.writer.write(said)
            await exchange.hang()

        async with raw_mbu(hung) as mbu:
            loader = Deadline(Gathering(HttpLoader(mbu.url)), 0.1)
            (outcome,) = await loader.load([LoadRequest("/x")])
            await asyncio.wait_for(mbu.closed.wait(), DEADLINE)
            await loader.close()
            return outcome

    failed = asyncio.run(run())
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.DEADLINE


def test_late_is_said_in_our_words_and_not_in_the_clients() -> None:
    """People read it in answers and logs."""

    async def run() -> Outcome:
        async def hung(exchange: Exchange) -> None:
            await exchange.hang()

        async with raw_mbu(hung) as mbu:
            loader = HttpLoader(mbu.url, longest=0.1)
            outcome = await loader.load_one(LoadRequest("/x"))
            await loader.close()
            return outcome

    assert asyncio.run(run()) == Failed(Reason.DEADLINE, "no answer in time")


def test_a_header_that_is_not_ascii_disturbs_no_other_and_repeated_ones_are_joined() -> None:
    script = answer(b"{}", b"Vary: a", b"X-City: Z\xc3\xbcrich", b"VARY: b", b"Set-Cookie: c=1", b"x-empty:")
    outcome = asyncio.run(ask(script))
    assert isinstance(outcome, Loaded)
    assert outcome.headers == {
        "vary": "a, b",
        "x-city": UNREADABLE,
        "set-cookie": "c=1",
        "x-empty": "",
        "content-length": "2",
    }

"""A block of header lines is read once and remembered, within bounds, and no longer than what it proves."""

import tracemalloc
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest

from aggregator.http.blocks import Block, Blocks, read_headers
from aggregator.http.cors import Sharing
from aggregator.http.inputs import InputReader
from aggregator.identity.viewers import Viewers
from aggregator.model.address import Addresses
from aggregator.model.catalogue import Secret, ViewerKey
from aggregator.model.cors import Cors
from aggregator.model.route import Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from tests.samples.tokens import NOW, SECRET, bearer
from tests.world import fragment, screen

OPEN = screen(Slot("feed", fragment("feed")))
DIGEST = "0123456789abcdef" * 2
ORIGINS = ("https://a.example", "https://b.example")


def asking(name: str, path: str, **declared: tuple[str, ...]) -> Screen:
    """A screen of one slot, whose MBU is asked at this path."""
    slot = Slot("part", fragment("part", path=Template.parse(path), tags=()))
    return Screen(name, Route.parse(f"/{name}/{{id}}"), (slot,), **declared)


OWN = asking("own", "/m/{id}/{viewer.sub}")
TONGUE = asking("tongue", "/m/{id}?a={header.x-a}", headers=("x-a",))
KNOWN, UNKNOWN = (b" 1 2:u1",), ()
CRUMBS = asking("crumbs", "/m/{id}?a={cookie.a}", cookies=("a",))


class Reading:
    """Blocks of some screens, and a clock that is moved; reads counts how often a block was read anew."""

    def __init__(self, *screens: Screen, keys: tuple[ViewerKey, ...] = (), **bounds: int) -> None:
        self.now, self.reads = NOW, 0
        reader = InputReader(Viewers(keys, self.time), lambda value: f"hash of {value}")
        sharing = Sharing(Cors(ORIGINS))
        self.blocks = Blocks(reader, Addresses(screens or (OPEN,)), self.time, sharing=sharing, **bounds)
        self.blocks._read = self._counting(self.blocks._read)

    def time(self) -> float:
        """Fleet seconds."""
        return self.now

    def read(self, *lines: str) -> Block | None:
        """What these header lines say, as a hit looks for it."""
        block = self.blocks.young.get(raw := block_of(*lines))
        return self.blocks.read(raw) if block is None or self.now >= block.until else block

    def suffixes(self, *lines: str) -> tuple[bytes, ...]:
        """What may stand behind a target."""
        block = self.read(*lines)
        assert block
        return block.suffixes

    def _counting(self, read: Callable[[bytes], Block | None]) -> Callable[[bytes], Block | None]:
        def counted(raw: bytes) -> Block | None:
            self.reads += 1
            return read(raw)

        return counted


def block_of(*lines: str) -> bytes:
    """The bytes of a request behind its target."""
    return "\r\n".join(["HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("Accept: */*",),
        ("X-A: a",),
        ("X-A: é\x80ÿ",),
        ("X-A: a \t b",),
        ("X-A: :",),
        ("!#$%&'*+-.^_`|~9Z: a",),
        ("Connection: keep-alive",),
        ("CONNECTION: Keep-Alive",),
        ('If-None-Match: "*"',),
        ('If-None-Match: "a", W/"b"',),
        ("Authorization: Bearer nothing",),
        ("X-Request-Id: a b",),
    ],
)
def test_a_block_is_lines_that_every_parser_reads_alike(lines: tuple[str, ...]) -> None:
    """A name, a colon, one blank, a value; keeping the connection is what happens anyway."""
    assert Reading().read(*lines)


@pytest.mark.parametrize(
    "raw",
    [
        *[
            block_of(line)
            for line in (
                *("Content-Length: 0", "Transfer-Encoding: chunked", "Expect: 100-continue", "Upgrade: h2c"),
                *("Connection: close", "Connection: keep-alive, x", "Connection: upgrade", "Proxy-Connection: close"),
                *("Keep-Alive: 5", "CDN-Loop: a", "Trailer: a", "HTTP2-Settings: a", "If-None-Match: *"),
                *(
                    "Host: y",
                    "X-A:a",
                    "X-A:  a",
                    "X-A: a ",
                    "X-A: \ta",
                    "X-A: a\t",
                    "X-A:",
                    "X-A: ",
                    "X-A : a",
                    " X-A: a",
                ),
                *(
                    "X-A",
                    ": a",
                    "X(A: a",
                    "X-A: a\x00b",
                    "X-A: a\x7fb",
                    "X-A: a\rb",
                    "X-A: a\nb",
                    "X-A: a\n b",
                    "X\xc3: a",
                ),
            )
        ],
        block_of("X-A: a", "x-a: b"),
        block_of("Cookie: a=1", "Cookie: a=1"),
        block_of("Connection: keep-alive", "connection: keep-alive"),
        block_of("X-A: a", " folded"),
        block_of() + b"x",
        block_of() + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        block_of()[:-1],
        block_of()[:-2],
        block_of().replace(b"\r\n", b"\n"),
        block_of().replace(b"1.1", b"1.0"),
        block_of().replace(b"HTTP", b"http"),
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1\r\nAccept: */*\r\n\r\n",
        b"HTTP/1.1\r\nConnection: keep-alive\r\n\r\n",
        b" " + block_of(),
        b"",
    ],
)
def test_what_else_there_is_is_left_to_the_ordinary_path(raw: bytes) -> None:
    """A body, a word on the connection, what came through a load, a field that is there twice, and no HTTP at all."""
    reading = Reading()
    assert reading.blocks.read(raw) is None
    assert len(reading.blocks) == 0


def test_names_are_read_without_their_case_and_values_as_they_are() -> None:
    """As RFC 9110, section 5.1 has it."""
    assert read_headers(block_of("X-A: b: C  d", "ACCEPT: */*")) == {
        b"host": b"x",
        b"x-a": b"b: C  d",
        b"accept": b"*/*",
    }


def test_a_block_is_read_up_to_its_bound() -> None:
    """Bytes of all its lines."""
    raw = block_of("X-A: a")
    assert Reading(largest=len(raw)).blocks.read(raw)
    assert Reading(largest=len(raw) - 1).blocks.read(raw) is None


@pytest.mark.parametrize(
    ("lines", "form"),
    [
        ((), ""),
        (("Accept-Encoding: br, gzip",), "br"),
        (("Accept: application/msgpack",), "msgpack"),
        (("Accept: application/msgpack", "Accept-Encoding: zstd"), "msgpack-zstd"),
    ],
)
def test_a_block_tells_the_form_that_is_wanted(lines: tuple[str, ...], form: str) -> None:
    """As `wanted` does."""
    block = Reading().read(*lines)
    assert block
    assert (block.form, block.copies, block.suffixes, block.until, block.request_id) == (form, {}, (), inf, None)


def test_a_block_tells_what_the_client_has() -> None:
    """Those of its tags that may be ours; any, `*`, is for the ordinary path."""
    block = Reading().read(f'If-None-Match: "other", W/"{DIGEST}-br", "{DIGEST}"')
    assert block
    assert block.copies == {DIGEST.encode(): ["br", ""]}


@pytest.mark.parametrize(
    ("lines", "suffixes"),
    [
        ((), [b" 1 0:", b" 2 8:hash of "]),
        (("X-A: v", "Cookie: b=1; a=2"), [b" 1 1:v", b" 2 9:hash of 2"]),
        (("X-A: \xff",), [b" 2 8:hash of "]),
        (("X-A: " + "v" * 1_025,), [b" 2 8:hash of "]),
        (("Cookie: a=\xff",), [b" 1 0:"]),
    ],
)
def test_a_block_tells_what_stands_behind_a_target(lines: tuple[str, ...], suffixes: list[bytes]) -> None:
    """For each kind of screen that headers decide; of one whose inputs are not as declared nothing, so that it is not
    found."""
    assert [*Reading(OPEN, TONGUE, CRUMBS).suffixes(*lines)] == suffixes


def test_what_was_read_is_remembered() -> None:
    """It is the same block."""
    reading = Reading()
    assert reading.read("X-A: a") is reading.read("X-A: a")
    assert (reading.reads, len(reading.blocks)) == (1, 1)


@pytest.mark.parametrize("given", ["a", "Z.9_:-", "not one", "x" * 129])
def test_a_request_id_is_kept_and_its_block_forgotten(given: str) -> None:
    """It will not come again; what is no id is not answered."""
    reading = Reading()
    block = reading.read(f"X-Request-Id: {given}")
    assert block
    assert block.request_id == (f"{given}\r\n".encode() if len(given) < 10 and " " not in given else b"")
    assert len(reading.blocks) == 0


def test_a_long_block_is_read_and_forgotten() -> None:
    """One of just as many bytes as are remembered is not."""
    raw = block_of("X-A: a")
    for longest, kept in ((len(raw), 1), (len(raw) - 1, 0)):
        reading = Reading(longest=longest)
        assert reading.blocks.read(raw)
        assert len(reading.blocks) == kept


def test_what_is_used_stays_whatever_else_comes() -> None:
    """Twenty thousand blocks that never come again push nothing out that comes in between, and are bounded."""
    reading, most = Reading(most=64), 0
    for number in range(20_000):
        reading.read(f"X-A: {number}")
        if number % 50 == 0:
            reading.read("X-A: used")
        most = max(most, len(reading.blocks))
    assert reading.reads == 20_001
    assert 64 < most <= 128


def test_what_is_not_used_is_forgotten() -> None:
    """While twice as many others come as are remembered."""
    reading = Reading(most=8)
    for number in range(17):
        reading.read(f"X-A: {number}")
    assert reading.blocks.read(block_of("X-A: 0"))
    assert reading.reads == 18


def test_what_hits_look_in_is_one_dict_for_good() -> None:
    """It is bound once, whatever is forgotten."""
    reading = Reading(most=2)
    young = reading.blocks.young
    for number in range(5):
        reading.read(f"X-A: {number}")
    assert reading.blocks.young is young
    assert 1 <= len(young) <= 2


@pytest.fixture
def key(tmp_path: Path) -> ViewerKey:
    """A secret in a file."""
    (tmp_path / "key").write_bytes(SECRET)
    return ViewerKey("HS256", secret=Secret(file=str(tmp_path / "key")))


def token(**claims: float) -> str:
    """The line that a viewer sends."""
    return "Authorization: " + bearer({"sub": "u1", "exp": NOW + 60, **claims})


def test_a_viewer_is_told_by_a_token(key: ViewerKey) -> None:
    """Without one there is nothing behind a target that could find what is a viewer's."""
    reading = Reading(OPEN, OWN, keys=(key,))
    assert reading.suffixes(token()) == KNOWN
    assert reading.suffixes() == reading.suffixes(token(exp=NOW - 60)) == UNKNOWN


@pytest.mark.parametrize(("exp", "until"), [(60, 1.0), (0.5, 0.5), (0.25, 0.25)])
def test_a_token_counts_until_it_expires_and_is_looked_at_again_each_second(
    exp: float, until: float, key: ViewerKey
) -> None:
    """Whichever comes first."""
    reading = Reading(OWN, keys=(key,))
    block = reading.read(token(exp=NOW + exp))
    assert block
    assert block.until == NOW + until
    reading.now = NOW + until - 0.001
    assert reading.suffixes(token(exp=NOW + exp)) == KNOWN
    assert reading.reads == 1
    reading.now = NOW + until
    assert reading.suffixes(token(exp=NOW + exp)) == (KNOWN if exp > until else UNKNOWN)
    # Only what does not stand any more is read again.
    assert reading.reads == (1 if exp > until else 2)


def test_the_second_is_the_clocks_own(key: ViewerKey) -> None:
    """What is read within it is looked at again when it ends, so that all are at once."""
    reading = Reading(OWN, keys=(key,))
    reading.now = NOW + 0.75
    block = reading.read(token())
    assert block
    assert block.until == NOW + 1


def test_a_token_is_kept_once(key: ViewerKey) -> None:
    """In its block, whoever it is of: blocks take little more room than their bytes."""
    reading, count = Reading(OWN, keys=(key,)), 200
    tracemalloc.start()
    try:
        for number in range(count):
            reading.read("Authorization: Bearer " + f"{number:04}" * 480)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(reading.blocks) == count
    assert taken / count < 2_900


@pytest.mark.parametrize("origin", ORIGINS)
def test_what_pages_of_an_origin_are_told_is_kept_once(origin: str) -> None:
    """Whatever else their blocks say."""
    reading = Reading()
    one, other = (reading.read(f"Origin: {origin}", f"X-A: {number}") for number in range(2))
    assert one
    assert other
    assert one is not other
    assert one.sharing.startswith(f"access-control-allow-origin: {origin}\r\n".encode())
    assert one.sharing is other.sharing


def test_leeway_is_added_to_the_expiry(key: ViewerKey) -> None:
    """A token counts for so much longer."""
    lenient = ViewerKey("HS256", secret=key.secret, leeway=0.25)
    reading = Reading(OWN, keys=(lenient,))
    block = reading.read(token(exp=NOW + 0.5))
    assert block
    assert block.until == NOW + 0.75


def test_a_token_that_becomes_valid_is_known_within_a_second(key: ViewerKey) -> None:
    """Though its block was remembered without a viewer."""
    reading = Reading(OWN, keys=(key,))
    early = token(nbf=NOW + 0.5)
    assert reading.suffixes(early) == UNKNOWN
    reading.now = NOW + 0.999
    assert reading.suffixes(early) == UNKNOWN
    reading.now = NOW + 1.0
    assert reading.suffixes(early) == KNOWN


def test_a_key_that_is_withdrawn_counts_for_a_second_at_most(key: ViewerKey, tmp_path: Path) -> None:
    """And one that is put back is taken up as soon."""
    reading = Reading(OWN, keys=(key,))
    assert reading.suffixes(token()) == KNOWN
    (tmp_path / "key").write_bytes(SECRET[::-1])
    reading.now = NOW + 1
    assert reading.suffixes(token()) == UNKNOWN
    (tmp_path / "key").write_bytes(SECRET * 2)
    (tmp_path / "key").write_bytes(SECRET)
    reading.now = NOW + 2
    assert reading.suffixes(token()) == KNOWN


def test_a_token_is_not_looked_at_where_no_screen_has_viewers(key: ViewerKey) -> None:
    """Its block is read once."""
    reading = Reading(OPEN, TONGUE, keys=(key,))
    block = reading.read(token(exp=NOW + 0.5))
    assert block
    assert block.until == inf


def test_what_has_to_be_read_again_is_so_in_either_generation(key: ViewerKey) -> None:
    """Also where others came meanwhile."""
    reading = Reading(OPEN, OWN, keys=(key,), most=2)
    reading.read(token())
    for number in range(2):
        reading.read(f"X-A: {number}")
    reading.now = NOW + 60
    assert reading.suffixes(token()) == UNKNOWN

"""A client gets the coding it likes best, of those we can make; a body in it is the same body, and smaller."""

import gzip
import hashlib
import random
import subprocess
import sys
from collections.abc import Callable

import brotli
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.http.codings import Coding, encode, preferred, quick, worth

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DECODERS: dict[Coding, Callable[[bytes], bytes]] = {
    "zstd": zstd.decompress,
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "identity": lambda body: body,
}
SCREEN = orjson.dumps({"data": {"feed": [{"id": number, "title": f"Title {number}"} for number in range(100)]}})


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (b"", "identity"),
        (b"gzip", "gzip"),
        (b"br", "br"),
        (b"zstd", "zstd"),
        (b"identity", "identity"),
        (b"deflate, compress, dcz", "identity"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"gzip, deflate, br", "br"),
        (b"gzip, deflate", "gzip"),
        (b"x-gzip", "gzip"),
        (b"x-gzip;q=0", "identity"),
        (b"GZip;Q=0.5", "gzip"),
        (b"  br\t;\tq=0.8 ,gzip ; q=0.9", "gzip"),
        (b",, gzip,", "gzip"),
    ],
)
def test_what_is_named_is_given(field: bytes, chosen: Coding) -> None:
    """Of several the one that we would rather make; in any case, with any spaces; an alias is the same coding."""
    assert preferred(field) == chosen


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (b"zstd;q=0.5, gzip;q=0.501", "gzip"),
        (b"zstd;q=0.001", "zstd"),
        (b"zstd;q=0.5, br;q=0.5, gzip;q=0.5", "zstd"),
        (b"zstd;q=0, gzip;q=0.1", "gzip"),
        (b"zstd;q=0., gzip;q=1.", "gzip"),
        (b"gzip;q=0.5, identity", "identity"),
        (b"gzip, identity", "gzip"),
        (b"gzip;q=0.5, identity;q=0.5", "gzip"),
        (b"gzip, gzip;q=0", "identity"),
    ],
)
def test_the_greatest_weight_wins(field: bytes, chosen: Coding) -> None:
    """Against our own order; 0 forbids. Identity competes where it is named. Of one named twice the last counts."""
    assert preferred(field) == chosen


@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        (b"*", "zstd"),
        (b"*;q=0", "identity"),
        (b"gzip, *;q=0", "gzip"),
        (b"gzip;q=0.5, *", "zstd"),
        (b"zstd;q=0, *", "br"),
        (b"*;q=0.5, identity;q=0.7", "identity"),
        (b"gzip;q=0.5, identity;q=0.6, *;q=0", "identity"),
    ],
)
def test_a_star_stands_for_what_is_not_named(field: bytes, chosen: Coding) -> None:
    """Identity among it."""
    assert preferred(field) == chosen


@pytest.mark.parametrize("field", [b"identity;q=0", b"*;q=0", b"compress, identity;q=0", b"identity;q=0, gzip;q=0"])
def test_where_nothing_is_acceptable_it_is_identity(field: bytes) -> None:
    """An answer that the client may be able to read is worth more than none."""
    assert preferred(field) == "identity"


@pytest.mark.parametrize(
    "weight",
    [b"q=", b"q=x", b"q=-1", b"q=2", b"q=1.001", b"q=0.1234", b"q=nan", b"q=1e0", b"q = 1", b"q=1;q=1", b"", b"\xff"],
)
def test_a_weight_that_is_none_counts_as_zero(weight: bytes) -> None:
    """What cannot be read is not wanted."""
    assert preferred(b"zstd;" + weight + b", gzip;q=0.1") == "gzip"


WEIGHTS = st.sampled_from(["", ";q=0", ";q=0.0", ";q=0.001", ";q=0.5", ";q=1", ";q=1.000"])
NAMES = st.sampled_from(["zstd", "br", "gzip", "x-gzip", "identity", "deflate", "*"])


@given(st.dictionaries(NAMES, WEIGHTS))
@example({"identity": ";q=0", "*": ";q=0"})
def test_what_is_chosen_is_acceptable_if_anything_is(members: dict[str, str]) -> None:
    """And nothing acceptable weighs more."""
    weights = {name.removeprefix("x-"): float(weight[3:] or 1) for name, weight in members.items()}
    identity = weights.get("identity", weights.get("*", 0.0001))
    acceptable = {name: weights.get(name, weights.get("*", 0.0)) for name in ("zstd", "br", "gzip")} | {
        "identity": identity
    }
    chosen = preferred(", ".join(map("".join, members.items())).encode())
    assert acceptable[chosen] == max(acceptable.values()) or (chosen == "identity" and not any(acceptable.values()))


@given(st.binary(max_size=200))
def test_any_field_gets_some_coding(field: bytes) -> None:
    """Whatever a stranger sends."""
    assert preferred(field) in DECODERS


@pytest.mark.parametrize("coding", DECODERS)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 40))
def test_what_is_encoded_can_be_decoded(coding: Coding, seed: int, length: int) -> None:
    """To the same bytes."""
    chance = random.Random(seed)
    body = orjson.dumps([{"id": chance.getrandbits(53), "text": "ab " * chance.randrange(50)} for _ in range(length)])
    encoded = encode(coding, body)
    assert encoded is None or DECODERS[coding](encoded) == body


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_what_saves_little_is_not_encoded(coding: Coding) -> None:
    """Nine tenths is the most that it may keep of the body."""
    assert encode(coding, random.Random(1).randbytes(4_096)) is None
    encoded = encode(coding, SCREEN)
    assert encoded is not None
    assert len(encoded) <= 0.9 * len(SCREEN)


def test_only_long_bodies_are_worth_it() -> None:
    """From 1,024 bytes on."""
    assert not worth(bytes(1_023))
    assert worth(bytes(1_024))


@pytest.mark.parametrize(("coding", "most"), [("zstd", 131_072), ("br", 16_384), ("gzip", 16_384)])
def test_what_takes_long_is_not_quick(coding: Coding, most: int) -> None:
    """Each coding has its own size."""
    assert quick(coding, bytes(most))
    assert not quick(coding, bytes(most + 1))
    assert quick("identity", bytes(most + 1))


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_every_process_makes_the_same_bytes(coding: Coding) -> None:
    """No time, name or chance is in them; the tag vouches for that."""
    script = (
        "import hashlib, sys; from aggregator.http.codings import encode; "
        "print(hashlib.sha256(encode(sys.argv[1], sys.stdin.buffer.read())).hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", script, coding], input=SCREEN, capture_output=True, check=True)
    encoded = encode(coding, SCREEN)
    assert encoded is not None
    assert ran.stdout.decode().strip() == hashlib.sha256(encoded).hexdigest()

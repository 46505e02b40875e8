"""The envelope: what went in comes out, and whatever is off about it is a miss."""

from zlib import crc32

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator.model.entry import Entry, SlotState
from aggregator.model.keys import VERSION
from aggregator.model.position import position_of
from aggregator.tiers.codec import STAMP_BYTES, decode, encode, stamp
from cache_policies.policy import Lifetime, Timing

numbers = st.floats(allow_nan=False)
halves = st.integers(0, 2**64 - 1)
counts = st.integers(0, 2**31)
texts = st.text(st.characters(codec="utf-8"))
entries = st.builds(
    Entry,
    identity=st.binary(max_size=300),
    payload=st.binary(max_size=2_000),
    tags=st.lists(texts, max_size=20).map(tuple),
    timing=st.builds(Timing, numbers, st.builds(Lifetime, numbers, numbers, numbers, numbers), numbers),
    position=st.builds(position_of, halves, halves, halves),
    absent=st.booleans(),
    etag=st.none() | texts,
    last_modified=st.none() | texts,
    slots=st.lists(st.builds(SlotState, texts, texts, numbers, numbers, counts, counts), max_size=5).map(tuple),
)
SAMPLE = Entry(b"key", b'{"a":1}', ("t", "*"), Timing(1.5, Lifetime(60.0, 30.0, 0.0), 0.1), position_of(1, 2, 3))


@given(entries)
def test_what_went_in_comes_out(entry: Entry):
    """Every entry survives the envelope."""
    assert decode(entry.identity, encode(entry)) == entry


def test_whole_seconds_survive():
    """A lifetime given as integers is kept as the same numbers."""
    entry = replace(SAMPLE, timing=Timing(1, Lifetime(60, 30, 0), 0))
    assert decode(b"key", encode(entry)) == entry


@given(entries, st.data())
def test_r37_a_changed_byte_is_a_miss(entry: Entry, data: st.DataObject):
    """Any one byte changed in any way, anywhere."""
    blob = bytearray(encode(entry))
    blob[data.draw(st.integers(0, len(blob) - 1))] ^= data.draw(st.integers(1, 255))
    assert decode(entry.identity, bytes(blob)) is None


@given(entries, st.data())
def test_r37_a_truncated_envelope_is_a_miss(entry: Entry, data: st.DataObject):
    """Cut anywhere, down to nothing."""
    blob = encode(entry)
    assert decode(entry.identity, blob[: data.draw(st.integers(0, len(blob) - 1))]) is None


@given(entries, st.binary(min_size=1, max_size=40))
def test_trailing_bytes_are_a_miss(entry: Entry, more: bytes):
    """An envelope has nothing behind it."""
    assert decode(entry.identity, encode(entry) + more) is None


@given(entries, st.binary(max_size=300))
def test_s27_another_identity_is_a_miss(entry: Entry, identity: bytes):
    """Two keys with one name in Redis never answer for each other."""
    assert identity == entry.identity or decode(identity, encode(entry)) is None


@given(st.binary(max_size=500))
def test_anything_else_is_a_miss(blob: bytes):
    """Arbitrary bytes never raise."""
    assert decode(b"key", blob) is None


@given(st.binary(max_size=500))
def test_anything_with_a_right_checksum_is_a_miss(rest: bytes):
    """What another program sealed well never raises either."""
    body = encode(SAMPLE)[:STAMP_BYTES] + rest
    assert decode(b"key", body + crc32(body).to_bytes(4)) is None


def sealed(fields: list[object]) -> bytes:
    """An envelope of these fields, its checksum right."""
    body = msgpack.packb([*fields, b"1234"])[:-4]
    return body + crc32(body).to_bytes(4)


def fields_of(entry: Entry) -> list[object]:
    """The fields of its envelope, without the checksum."""
    return msgpack.unpackb(encode(entry))[:-1]


def test_a_well_sealed_envelope_is_read():
    """The two helpers above make what `encode` makes."""
    assert sealed(fields_of(SAMPLE)) == encode(SAMPLE)


@pytest.mark.parametrize("place", range(11))
@pytest.mark.parametrize("wrong", [7, "text", [1], {"a": 1}, [1.0, 2.0, 3], [b"t"], b"x"], ids=repr)
def test_a_field_of_the_wrong_type_is_a_miss(place: int, wrong: object):
    """However well sealed; text is right for the two validators, and a whole number for one of seconds."""
    fields = fields_of(SAMPLE)
    fields[place] = wrong
    read = decode(b"key", sealed(fields))
    right = {str: (9, 10), bytes: (4,), int: (2, 7)}.get(type(wrong), ())  # type: ignore[call-overload]
    assert (read is not None) == (place in right)


@pytest.mark.parametrize("version", [0, VERSION + 1, 127])
def test_r38_another_version_is_a_miss(version: int):
    """Two versions of the program may share one Redis."""
    assert decode(b"key", sealed([version, *fields_of(SAMPLE)[1:]])) is None


@given(entries, entries)
def test_the_stamp_is_the_start_and_orders_like_the_position(one: Entry, other: Entry):
    """A script may compare bytes 5 to 28 for positions; the stamp is the same as the envelope's first bytes."""
    first, second = encode(one), encode(other)
    assert first[:STAMP_BYTES] == stamp(one)
    assert (first[4:28] < second[4:28]) == (one.position < other.position)


@pytest.mark.parametrize(
    "slot", ["user", [], ["user"], ["user", 1, 0.0, 0.0, 0, 0], ["user", "fresh", 0.0, 0.0, 0, 0, 0]]
)
def test_slots_that_are_none_are_a_miss(slot: object):
    """However well they are sealed."""
    *fields, _ = fields_of(SAMPLE)
    assert decode(b"key", sealed([*fields, [["user", "fresh", 0.0, 0.0, 0, 0]]])) is not None
    assert decode(b"key", sealed([*fields, [slot]])) is None

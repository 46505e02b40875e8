"""A form is the same body written in another way, with a name that is also the end of its entity tag."""

import random
import tracemalloc

import brotli
import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.http.forms import FORMS, coding_of, copies, etag, fields, made, own_copies, plain, wanted

DIGEST, OTHER = (digits.hex().encode() for digits in (bytes(range(16)), bytes(16)))
TAG = DIGEST.decode()
SCREEN = orjson.dumps({"data": {"feed": [{"id": number, "title": "A title"} for number in range(100)]}})


@pytest.mark.parametrize(
    ("accept", "codings", "form"),
    [
        ("", b"", ""),
        ("*/*", b"identity", ""),
        ("", b"gzip, br, zstd", "zstd"),
        ("", b"gzip, br;q=0.5", "gzip"),
        ("application/msgpack", b"", "msgpack"),
        ("application/msgpack", b"br", "msgpack-br"),
        ("application/json", b"deflate", ""),
    ],
)
def test_a_form_is_a_format_and_a_coding(accept: str, codings: bytes, form: str) -> None:
    """Both as the client takes them best."""
    assert wanted(accept, codings) == form


def test_s19_long_fields_are_not_read() -> None:
    """What strangers send takes neither time nor room."""
    tracemalloc.start()
    try:
        for number in range(200):
            accept, codings = f"application/msgpack, x/{number}" + "a" * 8_000, b"br, x%d" % number + b"b" * 8_000
            assert wanted(accept, codings) == ""
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 200_000


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_form_is_told_by_its_parts(form: str) -> None:
    """A format and a coding give one form back, and its fields name them."""
    packed, coding = plain(form) == "msgpack", coding_of(form)
    assert wanted("application/msgpack" if packed else "", coding.encode()) == form
    coded = {} if coding == "identity" else {"content-encoding": coding}
    assert fields(form) == {"content-type": "application/msgpack" if packed else "application/json", **coded}


def test_the_forms_are_these() -> None:
    """JSON has no name."""
    assert {"", "zstd", "br", "gzip", "msgpack", "msgpack-zstd", "msgpack-br", "msgpack-gzip"} == FORMS


def test_a_body_is_made_in_its_format_and_then_coded() -> None:
    """MessagePack of the same object, the coding of that."""
    packed = msgpack.packb(orjson.loads(SCREEN))
    assert made("", SCREEN) == SCREEN
    assert made("msgpack", SCREEN) == packed
    assert brotli.decompress(made("br", SCREEN)) == SCREEN
    assert brotli.decompress(made("msgpack-br", SCREEN)) == packed


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("br", b"{}"),
        ("msgpack-br", b'{"a":1}'),
        ("br", random.Random(0).randbytes(2_000)),
        ("msgpack-zstd", b"[" + b"null," * 300 + b"null]"),
        ("msgpack", b"[" * 1_025 + b"]" * 1_025),
        ("msgpack-br", b"[" * 1_025 + b"]" * 1_025),
    ],
)
def test_what_is_not_worth_it_or_cannot_be_is_not_made(form: str, body: bytes) -> None:
    """A small body, also one that is small only in MessagePack; what no coding makes smaller; what nests too deep."""
    assert made(form, body) is None


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_tag_of_ours_is_known_again(form: str) -> None:
    """Weak or strong, alone or among others."""
    tag = etag(DIGEST, form)
    assert tag[0] == tag[-1] == '"'
    for field in (tag, f"W/{tag}", f'"other", {tag}', f'"a,b" ,W/{tag},"c"'):
        assert own_copies(field) == {DIGEST: [form]}
        assert copies(field, form)(DIGEST, form) == form
        assert copies(field, form)(OTHER, form) is None


@pytest.mark.parametrize(
    "field",
    [
        "",
        '"',
        '""',
        TAG,
        f'"{TAG}',
        f'"{TAG[1:]}"',
        f'"{TAG}0"',
        f'"{TAG.upper()}"',
        f'"{TAG}-"',
        f'"{TAG}-deflate"',
        f'"{TAG}-identity"',
        f'"{TAG}-br-msgpack"',
        f'" {TAG}"',
        f'"x{TAG}"',
    ],
)
def test_another_tag_is_not_ours(field: str) -> None:
    """Nor is a form that we do not make."""
    assert own_copies(field) == {}
    assert copies(field, "")(DIGEST, "") is None


def test_any_copy_is_current_for_the_star() -> None:
    """As it would be sent; quoted, it is a tag."""
    assert copies("*", "br")(DIGEST, "br") == "br"
    assert copies(" * ", "br")(OTHER, "") == ""
    assert copies('"*"', "")(DIGEST, "") is None


def test_all_copies_of_a_body_are_known() -> None:
    """And those of another."""
    field = f"{etag(DIGEST, 'br')}, {etag(DIGEST)}, {etag(OTHER, 'msgpack')}"
    assert own_copies(field) == {DIGEST: ["br", ""], OTHER: ["msgpack"]}


@pytest.mark.parametrize(
    ("had", "wanted", "sent", "found"),
    [
        (["br"], "br", "br", "br"),
        (["br", ""], "", "", ""),
        (["", "br"], "br", "br", "br"),
        (["br"], "br", "", "br"),
        ([""], "br", "br", ""),
        (["msgpack"], "msgpack-br", "msgpack-br", "msgpack"),
        (["msgpack-br"], "msgpack-br", "msgpack", "msgpack-br"),
        ([""], "msgpack", "", ""),
        (["br"], "", "", None),
        (["gzip"], "br", "br", None),
        (["msgpack"], "", "", None),
        ([""], "msgpack", "msgpack", None),
        (["msgpack-br"], "br", "", None),
        (["msgpack-br", "msgpack"], "br", "br", None),
    ],
)
def test_a_copy_counts_for_a_request_that_could_have_been_sent_it(
    had: list[str], wanted: str, sent: str, found: str | None
) -> None:
    """As it is sent before any other; also where its coding is made only later, or was not made yet. None is taken for
    another format's, nor for one in a coding that the request does not want."""
    field = ", ".join(etag(DIGEST, form) for form in had)
    assert copies(field, wanted)(DIGEST, sent) == found


@given(st.text(st.sampled_from('"W/,* -abr0'), max_size=40))
def test_any_field_can_be_read(field: str) -> None:
    """Whatever stands in it."""
    assert copies(field, "br")(DIGEST, "br") == ("br" if field.strip() == "*" else None)

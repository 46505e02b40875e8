"""The inputs of a request: declared query parameters, headers and cookies, each in its one form, or refused."""

import pytest

from aggregator.model.inputs import (
    MAX_INPUT_BYTES,
    MAX_QUERY_FIELDS,
    InputMistake,
    Inputs,
    Query,
    read_cookies,
    read_field,
    read_query,
)
from aggregator.model.route import Parameter

PAGE = Query(Parameter("page", "int"), "1")
TEXT = Query(Parameter("q"), "")
NEEDED = Query(Parameter("id", "uuid"))


@pytest.mark.parametrize(
    ("query", "given", "value"),
    [
        (PAGE, b"", "1"),
        (PAGE, b"page=2", "2"),
        (PAGE, b"page=0002", "2"),
        (PAGE, b"page=", "1"),
        (PAGE, b"other=7&page=3&x", "3"),
        (PAGE, b"%70age=4", "4"),
        (TEXT, b"q=a+b%20%2Bc", "a b +c"),
        (TEXT, "q=é".encode(), "é"),
        (TEXT, b"Q=x", ""),
        (NEEDED, b"id=00000000-0000-0000-0000-0000000000AA", "00000000-0000-0000-0000-0000000000aa"),
    ],
)
def test_a_query_parameter_is_read_in_its_canonical_form(query: Query, given: bytes, value: str) -> None:
    """Whatever its escapes; what is not declared is not seen."""
    assert read_query([query], given) == {f"query.{query.parameter.name}": value}


@pytest.mark.parametrize(
    ("query", "given", "why"),
    [
        (PAGE, b"page=x", "type"),
        (PAGE, b"page=1.5", "type"),
        (PAGE, b"page=1&page=1", "2 times"),
        (NEEDED, b"", "missing"),
        (NEEDED, b"id=", "missing"),
        (TEXT, b"q=%00", "type"),
        (TEXT, b"q=%ff", "type"),
        (TEXT, b"q=" + b"x" * 201, "type"),
    ],
)
def test_what_is_not_as_declared_is_refused(query: Query, given: bytes, why: str) -> None:
    """With the parameter's name."""
    with pytest.raises(InputMistake, match=f"{query.parameter.name} .*{why}"):
        read_query([query], given)


def test_s19_a_query_of_too_many_fields_is_refused() -> None:
    """Each costs its decoding, be it declared or not."""
    most = b"&".join([b"x=1"] * (MAX_QUERY_FIELDS - 1) + [b"q=a"])
    assert read_query([TEXT], most) == {"query.q": "a"}
    with pytest.raises(InputMistake, match="more than 256 fields"):
        read_query([TEXT], most + b"&x=1")


def test_a_field_is_trimmed_text() -> None:
    """UTF-8, without the white space around it."""
    assert read_field("header", "x", "  dé ".encode().decode("latin-1")) == "dé"


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "\xff", "x" * (MAX_INPUT_BYTES + 1), "a\x7f", "\xc2\x85"])
def test_a_field_with_control_characters_is_refused(text: str) -> None:
    """And what is no UTF-8, or too long."""
    with pytest.raises(InputMistake, match="the cookie c "):
        read_field("cookie", "c", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1; b=2", {"a": "1"}),
        ('x=0; a="1" ; a=2', {"a": "1"}),
        ("a=1=2", {"a": "1=2"}),
        ('a="', {"a": '"'}),
        ("a", {"a": ""}),
        ('junk="' + "\\" * 32_000 + '"; a=1', {"a": "1"}),
    ],
)
def test_a_cookie_is_found_by_its_name(text: str, found: dict[str, str]) -> None:
    """The first of it, without quotes; nothing else is looked at."""
    assert read_cookies(text, ["a"]) == found


def test_a_mark_stands_for_a_secret() -> None:
    """In keys; MBUs are told the value."""
    inputs = Inputs({"cookie.s": "secret", "id": "1"}, {"cookie.s": "hash"})
    assert [inputs.mark(name) for name in ("cookie.s", "id")] == ["hash", "1"]

"""A template puts values into their places, from which no value can leave."""

import pytest

from aggregator.model.template import Template, TemplateMistake


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a", "a}", "{{a}}", "{a b}", "{1}", "{a:int}"])
def test_a_brace_outside_a_placeholder_is_refused(text: str) -> None:
    """What looks like a placeholder and is none would be sent as it stands."""
    with pytest.raises(TemplateMistake):
        Template.parse(text)


def test_each_placeholder_is_named_once() -> None:
    """In the order of first appearance."""
    assert Template.parse("/{b}/{a}?x={b}").names == ("b", "a")


def test_a_tag_takes_values_as_they_are() -> None:
    """A tag is no URL."""
    assert Template.parse("user:{id}").render({"id": "a/b é"}) == "user:a/b é"


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("42", "/u/42?q=42"),
        ("a/b", "/u/a%2Fb?q=a%2Fb"),
        ("?&=#+ ", "/u/%3F%26%3D%23%2B%20?q=%3F%26%3D%23%2B%20"),
        ("%2f", "/u/%252f?q=%252f"),
        ("\r\n\0", "/u/%0D%0A%00?q=%0D%0A%00"),
        ("é", "/u/%C3%A9?q=%C3%A9"),
        ("...", "/u/...?q=..."),
        ("{id}", "/u/%7Bid%7D?q=%7Bid%7D"),
    ],
)
def test_a_value_is_encoded_in_a_target(value: str, target: str) -> None:
    """No character of it means anything to a URL."""
    assert Template.parse("/u/{id}?q={id}").render_target({"id": value}) == target


@pytest.mark.parametrize("value", [".", "..", "../x", "x/..", "a/../b", "..\\x", "./x"])
def test_a_value_that_climbs_has_no_target(value: str) -> None:
    """Dots are resolved however they are encoded, also by an MBU that decodes slashes first."""
    assert Template.parse("/u/{id}/x").render_target({"id": value}) is None


def test_dots_made_of_several_parts_have_no_target() -> None:
    """It is the whole segment that counts."""
    assert Template.parse("/u/{a}{b}").render_target({"a": ".", "b": "."}) is None
    assert Template.parse("/u/.{a}").render_target({"a": "."}) is None


def test_dots_in_a_query_are_only_text() -> None:
    """Nobody resolves them there."""
    assert Template.parse("/u?q={id}").render_target({"id": "../x"}) == "/u?q=..%2Fx"

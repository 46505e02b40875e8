"""A route takes the raw paths that are its own, and reads each parameter in its one canonical form."""

from typing import NamedTuple

import pytest

from aggregator.model.route import Parameter, Route, RouteMistake, Routes


class Place(NamedTuple):
    """What has a route."""

    route: Route


def routes(*texts: str) -> Routes[Place]:
    """Routes for the paths."""
    return Routes(Place(Route.parse(text)) for text in texts)


def found(table: Routes[Place], raw: bytes) -> tuple[str, dict[str, str]] | None:
    """The route's text and the values."""
    match = table.find(raw)
    return (match[0].route.text, dict(match[1])) if match else None


@pytest.mark.parametrize(
    "text", ["", "/", "screens", "//a", "/a//b", "/a/", "/a?b", "/a#b", "/a b", "/a%20b", "/..", "/a/./b"]
)
def test_what_is_no_path_of_a_screen_is_refused(text: str) -> None:
    """A path that clients normalise or that has a query would never be asked for."""
    with pytest.raises(RouteMistake):
        Route.parse(text)


@pytest.mark.parametrize("text", ["/{}", "/{a:float}", "/{a}b", "/{1a}", "/{a}/{a}", "/{a", "/a}", "/{a:}", "/é"])
def test_what_is_no_parameter_is_refused(text: str) -> None:
    """A segment is plain text or one parameter of a known type, and no name comes twice."""
    with pytest.raises(RouteMistake):
        Route.parse(text)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("str", b"42", "42"),
        ("str", b"a%20b", "a b"),
        ("str", b"a%2Fb", "a/b"),
        ("str", b"%C3%A9", "é"),
        ("str", "é".encode(), "é"),
        ("str", b"+", "+"),
        ("str", b"%252e", "%2e"),
        ("int", b"42", "42"),
        ("int", b"007", "7"),
        ("int", b"-0", "0"),
        ("int", b"%34%32", "42"),
        ("uuid", b"AAAAAAAA-BBBB-CCCC-DDDD-EEEEEEEEEEEE", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
    ],
)
def test_a_value_has_one_form(kind: str, raw: bytes, value: str) -> None:
    """Every spelling of a value is the same value, so that it is one entry."""
    assert Parameter("p", kind).read(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        ("str", b""),
        ("str", b"%"),
        ("str", b"%zz"),
        ("str", b"%ff"),
        ("str", b"%ed%a0%80"),
        ("str", b"%00"),
        ("str", b"a%0d%0ab"),
        ("str", b"%c2%85"),
        ("str", b"a" * 201),
        ("int", b"1.0"),
        ("int", b"+1"),
        ("int", b"1e3"),
        ("int", b"1_0"),
        ("int", "٣".encode()),
        ("int", b"1" * 19),
        ("uuid", b"aaaaaaaabbbbccccddddeeeeeeeeeeee"),
        ("uuid", b"{aaaaaaa-bbbb-cccc-dddd-eeeeeeeeee}"),
        ("uuid", b"aaaaaaaa-bbbb-cccc-dddd-eeeeeeee_eee"),
    ],
)
def test_what_is_not_of_the_type_is_no_value(kind: str, raw: bytes) -> None:
    """Broken escapes, control characters and other types find no screen."""
    assert Parameter("p", kind).read(raw) is None


def test_literal_text_wins_over_a_parameter() -> None:
    """Whichever was declared first; and what a literal does not take, the parameter does."""
    table = routes("/s/{a}", "/s/home", "/{x}/home")
    assert found(table, b"/s/home") == ("/s/home", {})
    assert found(table, b"/s/other") == ("/s/{a}", {"a": "other"})
    assert found(table, b"/t/home") == ("/{x}/home", {"x": "t"})


def test_a_type_lets_the_next_route_try() -> None:
    """What is no number for one route may be a name for another."""
    assert found(routes("/u/{id:int}", "/u/me"), b"/u/me") == ("/u/me", {})
    assert found(routes("/u/{id:int}"), b"/u/me") is None


@pytest.mark.parametrize("raw", [b"", b"/", b"/s", b"/s/", b"/s/1/", b"//s/1", b"/S/1", b"/%73/1", b"s/1/2"])
def test_nothing_else_is_taken(raw: bytes) -> None:
    """Neither empty segments nor another spelling of literal text."""
    assert found(routes("/s/{a}"), raw) is None


def test_routes_of_one_shape_take_the_same_requests() -> None:
    """Names and types of parameters make no difference to it."""
    assert Route.parse("/s/{a}").shape == Route.parse("/s/{b:int}").shape != Route.parse("/s/a").shape

"""Whatever the values: keys are injective, no value leaves its place in a target, and matching is canonical."""

from urllib.parse import parse_qsl, quote, unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Inputs
from aggregator.model.keys import canonical
from aggregator.model.route import Parameter, Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.tags import has_control
from aggregator.model.template import Template
from cache_policies.policy import Lifetime

# Rich in what separates parts anywhere: keys, URLs, Redis names, netstrings.
SEPARATORS = ":/{}?&=#%.,|\\ 0123456789"
TEXTS = st.text(st.one_of(st.sampled_from(SEPARATORS), st.characters(exclude_categories=["Cs"])), max_size=12)
VALUES = st.fixed_dictionaries({"a": TEXTS, "b": TEXTS})
# No deadline of its own: a busy machine is no counterexample. The blob repeats a failure.
LAW = settings(deadline=None, print_blob=True)
PLACES = Template.parse("/x/{a}/y/{b}?q={a}&r={b}")


def fragment(name: str, path: str = "/x/{a}/{b}") -> Fragment:
    """A fragment of two inputs."""
    return Fragment(name, "m", Template.parse(path), (), Lifetime(1.0), absent_for=1.0)


NAMES = st.sampled_from(["f", "g", "f:a", "1:f"])


@LAW
@given(st.lists(TEXTS, max_size=5), st.lists(TEXTS, max_size=5))
def test_r45_the_canonical_form_is_injective(one: list[str], other: list[str]) -> None:
    """Two lists give the same bytes only if they are the same."""
    assert (canonical(one) == canonical(other)) == (one == other)


@LAW
@given(NAMES, VALUES, NAMES, VALUES)
def test_r45_a_fragment_key_is_injective(
    name: str, one: dict[str, str], other_name: str, other: dict[str, str]
) -> None:
    """Two keys are the same only for the same fragment and the same values."""
    same = (name, one) == (other_name, other)
    key, other_key = fragment(name).key("n", Inputs(one)), fragment(other_name).key("n", Inputs(other))
    assert (key.identity == other_key.identity) == same
    assert (key.name == other_key.name) == same


@LAW
@given(VALUES, VALUES)
def test_r45_a_view_identity_is_injective(one: dict[str, str], other: dict[str, str]) -> None:
    """Two views are the same only for the same values of the same inputs."""
    screen = Screen("s", Route.parse("/s/{a}/{b}"), (Slot("x", fragment("f")),))
    turned = Screen("s", Route.parse("/s/{b}/{a}"), (Slot("x", fragment("f")),))
    assert (screen.identity(Inputs(one)) == screen.identity(Inputs(other))) == (one == other)
    assert screen.identity(Inputs(one)) != turned.identity(Inputs({"b": one["a"], "a": one["b"]}))


@LAW
@given(VALUES)
def test_r46_a_value_never_leaves_its_place(values: dict[str, str]) -> None:
    """The MBU reads back exactly the values, each where it was put; or there is no target."""
    target = PLACES.render_target(values)
    if target is None:
        assert any(part in (".", "..") for text in values.values() for part in text.replace("\\", "/").split("/"))
        return
    assert target.isascii()
    assert target.isprintable()
    parts = urlsplit(f"http://h{target}")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "x", values["a"], "y", values["b"]]
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", values["a"]), ("r", values["b"])]
    assert not parts.fragment


@LAW
@given(TEXTS, st.sampled_from(["str", "int", "uuid"]))
def test_r46_reading_a_value_is_canonical(text: str, kind: str) -> None:
    """A value read, written and read again is the same, however it was escaped."""
    parameter = Parameter("p", kind)
    value = parameter.read(quote(text, safe="").encode())
    escaped = "".join(f"%{byte:02x}" for byte in text.encode()).encode()
    assert parameter.read(escaped) == value
    if value is not None:
        assert parameter.read(quote(value, safe="").encode()) == value
        assert kind != "str" or value == text


@LAW
@given(st.binary(max_size=30))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No path segment raises, and what is read is text without control characters."""
    value = Parameter("p").read(raw)
    assert value is None or (value.encode() and not has_control(value))

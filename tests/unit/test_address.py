"""An address is a target, and what of the headers decides behind it: it finds its own view, and no other one."""

from collections.abc import Iterator, Mapping
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.http.health import HEALTH_PATHS
from aggregator.model.address import Addresses, signature
from aggregator.model.inputs import Inputs, Query, read_query
from aggregator.model.route import Parameter, Route, Routes, is_value
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from tests.screens_of_all_kinds import catalogue
from tests.world import fragment

# No deadline of its own: a busy machine is no counterexample. The blob repeats a failure.
LAW = settings(deadline=None, print_blob=True)


def asking(name: str, route: str, path: str, *queries: Query, headers: str = "", cookies: str = "") -> Screen:
    """A screen at this route, of one slot, whose MBU is asked at this path."""
    slot = Slot("part", fragment("part", path=Template.parse(path), tags=()))
    taken = {"headers": tuple(headers.split()), "cookies": tuple(cookies.split())}
    return Screen(name, Route.parse(route), (slot,), queries=queries, **taken)


def query(name: str, default: str | None = None, kind: str = "str") -> Query:
    """A declared query parameter."""
    return Query(Parameter(name, kind), default)


PLAIN = asking("plain", "/a/{x}", "/m/{x}")
ME = asking("me", "/a/me", "/m/1")
ANY = asking("any", "/{x}", "/m/{x}")
PAIR = asking("pair", "/{x}/{y}", "/m/{x}/{y}")
PAGED = asking(
    "paged",
    "/paged",
    "/m?a={query.a}&b={query.b-c}&n={query.n}",
    query("a"),
    query("b-c", "en"),
    query("n", "1", "int"),
    query("unused", "u"),
)
EMPTY = asking("empty", "/empty/{x}", "/m/{x}?a={query.a}", query("a", ""))
NEEDING = asking("needing", "/needing/{x}", "/m/{x}", query("code"))
TONGUE = asking("tongue", "/t/{x}", "/m/{x}?a={header.x-a}", headers="x-a")
TONGUES = asking("tongues", "/u/{x}", "/m/{x}?a={header.x-a}&b={header.x-b}", headers="x-a x-b")
CRUMBS = asking("crumbs", "/c/{x}", "/m/{x}?a={cookie.a}", cookies="a")
OWN = asking("own", "/v/{x}", "/m/{x}/{viewer.sub}?a={query.a}", query("a", "0"))
CLAIMED = asking("claimed", "/w/{x}", "/m/{x}/{viewer.email}")
ALL = (PLAIN, ME, ANY, PAIR, PAGED, EMPTY, NEEDING, TONGUE, TONGUES, CRUMBS, OWN, CLAIMED)
ADDRESSES, ROUTES = Addresses(ALL, HEALTH_PATHS), Routes(ALL)
BY_NAME = {one.name: one for one in ALL}

# What separates parts of a target, of a suffix, or of the two.
TRICKY = [
    "me",
    "healthz",
    "a",
    "en",
    "1",
    "%",
    "a/b",
    "?a=en",
    "a&n=1",
    "+",
    " ",
    " 1 1:a",
    "1:a",
    "é",
    "%20",
    "..",
    ";",
]
TEXTS = st.sampled_from(TRICKY) | st.text(st.sampled_from("/%?&+=;:# 1a\\é€😀"), min_size=1, max_size=6)
VALUES: st.SearchStrategy[str] = TEXTS | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
)
OF_TYPE = {"str": VALUES.filter(is_value), "int": st.integers(-9, 9).map(str), "uuid": st.uuids().map(str)}


def values_of(one: Screen) -> st.SearchStrategy[dict[str, str]]:
    """Values that a request for the screen may have, of all that it declares."""
    given = {parameter.name: OF_TYPE[parameter.type] for parameter in one.route.parameters}
    for declared in one.queries:
        default = st.nothing() if declared.default is None else st.just(declared.default)
        given[f"query.{declared.parameter.name}"] = default | OF_TYPE[declared.parameter.type]
    return st.fixed_dictionaries({**given, **dict.fromkeys(signature(one), st.just("") | VALUES)})


ASKED = st.sampled_from(ALL).flatmap(lambda one: st.tuples(st.just(one), values_of(one)))


def inputs(values: Mapping[str, str]) -> Inputs:
    """The inputs with these values, where something else stands for each cookie."""
    return Inputs(values, {name: f"#{value}" for name, value in values.items() if name.startswith("cookie.")})


def deciding(one: Screen, values: Mapping[str, str]) -> tuple[str, ...]:
    """What of the values decides which view it is."""
    return (one.name, *(values[name] for name in one.inputs))


@LAW
@given(ASKED, ASKED)
def test_two_views_have_two_addresses(one: tuple[Screen, dict[str, str]], other: tuple[Screen, dict[str, str]]) -> None:
    """And one view has one, whatever does not decide it."""
    same = deciding(*one) == deciding(*other)
    assert (ADDRESSES.of(one[0], inputs(one[1])) == ADDRESSES.of(other[0], inputs(other[1]))) is same


def every() -> Iterator[tuple[Screen, dict[str, str]]]:
    """Every screen with every combination of tricky values; of numbers there are two."""
    for one in ALL:
        numbers = {f"query.{declared.parameter.name}" for declared in one.queries if declared.parameter.type == "int"}
        for combined in product(*[("1", "2") if name in numbers else TRICKY for name in one.inputs]):
            yield one, dict(zip(one.inputs, combined, strict=True))


def test_no_two_of_all_tricky_views_share_an_address() -> None:
    """Of any screens, whose values are rich in what separates the parts of an address."""
    found: dict[bytes, tuple[str, ...]] = {}
    for one, values in every():
        given = {**{f"query.{given.parameter.name}": "x" for given in one.queries}, **values}
        assert found.setdefault(ADDRESSES.of(one, inputs(given)), key := deciding(one, values)) == key


def readable(one: Screen) -> bool:
    """Does no secret decide its views, nor a claim of they do not tell whom?"""
    secret = any(name.startswith(("cookie.", "forward.")) for name in one.inputs)
    return not secret and (not one.claims or "viewer.sub" in one.claims)


KINDS = [one for one in catalogue().screens.values() if readable(one)]
OF_KINDS = Addresses(catalogue().screens.values(), HEALTH_PATHS)
READABLE = ASKED.filter(lambda asked: readable(asked[0]))
ANY_KIND = st.sampled_from(KINDS).flatmap(lambda one: st.tuples(st.just(one), values_of(one)))


@LAW
@given(
    READABLE.map(lambda asked: (ADDRESSES, *asked)) | ANY_KIND.map(lambda asked: (OF_KINDS, *asked)),
)
def test_an_address_tells_the_inputs_that_decide_its_view(asked: tuple[Addresses, Screen, dict[str, str]]) -> None:
    """And they give it again."""
    addresses, one, values = asked
    told = addresses.inputs(one, address := addresses.of(one, inputs(values)))
    assert told == Inputs({name: values[name] for name in one.inputs}, subject=values.get("viewer.sub"))
    assert addresses.of(one, told) == address
    assert addresses.find(address) == (one, told)


def mangled(address: bytes) -> st.SearchStrategy[bytes]:
    """The address with a few bytes in place of others."""
    cuts = st.tuples(st.integers(0, len(address)), st.integers(0, 3), st.sampled_from(MANGLING))
    return cuts.map(lambda cut: address[: cut[0]] + cut[2] + address[cut[0] + cut[1] :])


MANGLING = [b"", b" ", b"%", b"%2f", b"%2F", b"/", b"?", b"&", b"+", b"0", b"a=", b"1:", b"9:", b" 1 ", b"\xff", b"\n"]
MANGLED = READABLE.flatmap(
    lambda asked: st.tuples(st.sampled_from(ALL), mangled(ADDRESSES.of(asked[0], inputs(asked[1]))))
)


@LAW
@given(MANGLED)
def test_what_tells_inputs_is_their_address(asked: tuple[Screen, bytes]) -> None:
    """Whatever bytes: of a screen they are the address of the inputs that they tell, or they tell none."""
    one, address = asked
    told, found = ADDRESSES.inputs(one, address), ADDRESSES.find(address)
    assert told is None or (ADDRESSES.of(one, told) == address and found == (one, told))
    assert found is None or ADDRESSES.of(*found) == address


@pytest.mark.parametrize(
    ("one", "address"),
    [
        (PLAIN, b""),
        (PLAIN, b"/a"),
        (PLAIN, b"/a/1/2"),
        (PLAIN, b"/b/1"),
        (PLAIN, b"/a/me"),
        (PLAIN, b"/a/%2f"),
        (PLAIN, b"/a/1?q=1"),
        (PLAIN, b"/a/1 1 1:v"),
        (PLAIN, b"/a/%"),
        (PAGED, b"/paged"),
        (PAGED, b"/paged?n=x&a=1"),
        (PAGED, b"/paged?n=2&a=1"),
        (TONGUE, b"/t/1"),
        (TONGUE, b"/t/1 2 1:v"),
        (TONGUE, b"/t/1 1 "),
        (TONGUE, b"/t/1 1 2:v"),
        (TONGUE, b"/t/1 1 x:v"),
        (TONGUE, b"/t/1 1 01:v"),
        (TONGUE, b"/t/1 1 " + b"9" * 5_000 + b":v"),
        (TONGUE, b"/t/1 1 1:\xff"),
        (CRUMBS, b"/c/1 3 4:hash"),
        (CLAIMED, b"/w/1 5 4:a@b."),
    ],
)
def test_what_is_no_address_of_the_screen_tells_nothing(one: Screen, address: bytes) -> None:
    """Nor does one that has a hash in place of what it stands for, nor one that does not tell whose claim it has."""
    assert ADDRESSES.inputs(one, address) is None


@LAW
@given(ASKED)
def test_an_address_is_a_target_that_is_read_as_it_was_made(asked: tuple[Screen, dict[str, str]]) -> None:
    """Sent as it stands it finds the same screen with the same inputs: this is what makes it right to look no further.

    It begins with a blank exactly where it would not.
    """
    one, values = asked
    address = ADDRESSES.of(one, inputs(values))
    shadowed, target = address.startswith(b" "), address.removeprefix(b" %b " % one.name.encode())
    target, blank, rest = target.partition(b" ")
    path, _, raw_query = target.partition(b"?")
    found = ROUTES.find(path)
    goes_elsewhere = path.decode() in HEALTH_PATHS or found is None or found[0] is not one
    assert shadowed is (goes_elsewhere or one is NEEDING)
    assert blank + rest == ADDRESSES.suffix(ADDRESSES.signatures.index(signature(one)), inputs(values))
    if found and not shadowed:
        read = {**found[1], **read_query(one.queries, raw_query), **{name: values[name] for name in signature(one)}}
        assert deciding(one, read) == deciding(one, values)
        assert target.isascii()
        assert target.decode().isprintable()


@pytest.mark.parametrize(
    ("one", "values", "address"),
    [
        (PLAIN, {"x": "42"}, b"/a/42"),
        (PLAIN, {"x": "me"}, b" plain /a/me"),
        (ME, {}, b"/a/me"),
        (ANY, {"x": "healthz"}, b" any /healthz"),
        (ANY, {"x": "readyz"}, b" any /readyz"),
        (ANY, {"x": "Healthz"}, b"/Healthz"),
        (ANY, {"x": "paged"}, b" any /paged"),
        (PAIR, {"x": "a", "y": "me"}, b" pair /a/me"),
        (PAIR, {"x": "b", "y": "me"}, b"/b/me"),
        (PAIR, {"x": "c", "y": "me"}, b" pair /c/me"),
        (PLAIN, {"x": "é /?#%&+"}, b"/a/%C3%A9%20%2F%3F%23%25&+"),
        (NEEDING, {"x": "1", "query.code": "2"}, b" needing /needing/1"),
    ],
)
def test_what_another_route_takes_is_no_target(one: Screen, values: dict[str, str], address: bytes) -> None:
    """Literal text wins over a parameter, and health over everything; nor is one whose query would have to hold more
    than what decides."""
    assert ADDRESSES.of(one, inputs(values)) == address


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"query.a": "x"}, b"/paged?a=x"),
        ({"query.a": "en"}, b"/paged?a=en"),
        ({"query.a": "x", "query.n": "2"}, b"/paged?a=x&n=2"),
        ({"query.a": "a b+c", "query.b-c": "x"}, b"/paged?a=a+b%2Bc&b-c=x"),
        ({"query.a": "a/b&n=2"}, b"/paged?a=a%2Fb%26n%3D2"),
        ({"query.a": "x", "query.unused": "v"}, b"/paged?a=x"),
    ],
)
def test_a_query_has_what_decides_and_is_no_default(given: dict[str, str], target: bytes) -> None:
    """In the order of the declaration, as forms are encoded."""
    defaults = {"query.b-c": "en", "query.n": "1", "query.unused": "u"}
    assert ADDRESSES.of(PAGED, inputs({**defaults, **given})) == target


def test_a_required_query_that_something_uses_is_in_the_target() -> None:
    """Another screen's, which nothing uses, makes no difference to it."""
    assert not ADDRESSES.of(PAGED, inputs({**read_query(PAGED.queries, b"a=1")})).startswith(b" ")


def test_each_kind_of_headers_has_its_own_number() -> None:
    """The empty kind is the first, and has no suffix; one value under two names is two suffixes."""
    assert ADDRESSES.signatures == [
        (),
        ("header.x-a",),
        ("header.x-a", "header.x-b"),
        ("cookie.a",),
        ("viewer.sub",),
        ("viewer.email",),
    ]
    assert ADDRESSES.suffix(0, inputs({})) == b""
    same = inputs(dict.fromkeys(("header.x-a", "header.x-b", "viewer.sub"), "v"))
    suffixes = [ADDRESSES.suffix(number, same) for number in (1, 2, 4)]
    assert suffixes == [b" 1 1:v", b" 2 1:v1:v", b" 4 1:v"]
    assert ADDRESSES.of(TONGUE, inputs({"x": "1", "header.x-a": "v"})) == b"/t/1" + suffixes[0]


def test_a_secret_is_not_in_its_address() -> None:
    """What stands for it is."""
    assert ADDRESSES.of(CRUMBS, Inputs({"x": "1", "cookie.a": "secret"}, {"cookie.a": "hash"})) == b"/c/1 3 4:hash"


def test_addresses_mean_the_same_when_other_screens_are_declared_beside() -> None:
    """Numbers of what decides behind a target are kept, also by those that are not declared for a while."""
    first = Addresses([TONGUES])
    second = Addresses([PLAIN, TONGUE], known=first.signatures)
    third = Addresses([TONGUE, TONGUES], known=second.signatures)
    inputs = Inputs({"x": "1", "header.x-a": "a", "header.x-b": "b"})
    assert third.of(TONGUES, inputs) == first.of(TONGUES, inputs)
    assert third.of(TONGUE, inputs) == second.of(TONGUE, inputs)
    assert (first.used, second.used, third.used) == ({1}, {0, 2}, {1, 2})


def test_a_screen_has_other_addresses_where_another_takes_a_target_of_its() -> None:
    """And not where one is declared that takes none."""
    alone, with_me, with_pair = (Addresses([PLAIN, *others]) for others in ([], [ME], [PAIR, TONGUE]))
    assert not alone.alike(PLAIN, with_me)
    assert not with_me.alike(PLAIN, alone)
    assert alone.alike(PLAIN, with_pair)

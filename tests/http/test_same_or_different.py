"""Pairs of targets: what the cache takes for the same asks the MBU for the same, and what it does not, for another."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.http.raw_answers import CLOSE, split
from tests.running import Mbu, Running

TEXT = """
version = 1
[defaults]
fresh_for = "10m"
absent_for = "10m"
[mbus.m]
url = "$MBU"
[fragments.item]
mbu = "m"
path = "/item/{id}"
[fragments.found]
mbu = "m"
path = "/found?q={query.q}&page={query.page}"
[screens.item]
path = "/item/{id}"
slots = { it = "item" }
[screens.number]
path = "/number/{id:int}"
slots = { it = "item" }
[screens.unique]
path = "/unique/{id:uuid}"
slots = { it = "item" }
[screens.found]
path = "/found"
query = { q = { default = "" }, page = { type = "int", default = 1 } }
slots = { it = "found" }
"""
# In all of them N stands for a number of three digits, the pair's own.
UNRESERVED = [(f"/item/N{one}", f"/item/N%{ord(one):02X}") for one in "aZ09-._~"]
DELIMITERS = [(f"/item/N{one}", f"/item/N%{ord(one):02x}") for one in "!$&'()*,;=:@+"]
HEX = [(f"/item/N%{code:02x}z", f"/item/N%{code:02X}z") for code in b'/?#[]{|}<>^\\`"']
TEXTS = [(f"/item/N{lower}", f"/item/N{lower.upper()}") for lower in ("%c3%a9", "%e2%82%ac", "%f0%9f%98%80", "%c2%ad")]
QUERIES = [
    ("/found?q=N", "/found?q=N&page=1"),
    ("/found?q=N&page=2", "/found?page=2&q=N"),
    ("/found?q=N&page=2", "/found?q=N&page=02"),
    ("/found?q=N&page=2", "/found?q=N&page=%32"),
    ("/found?q=N", "/found?q=N&utm_source=x"),
    ("/found?q=N", "/found?utm=1&q=N&utm=2"),
    ("/found?q=N", "/found?%71=N"),
    ("/found?q=N", "/found?q=N&"),
    ("/found?q=N", "/found?&q=N"),
    ("/found?q=N", "/found?q=N&&page=1"),
    ("/found?q=N", "/found?q=N&Q=M"),
    ("/found?q=N+a", "/found?q=N%20a"),
    ("/found?q=N%2fa", "/found?q=N%2Fa"),
    ("/found?q=N/a", "/found?q=N%2Fa"),
    ("/found?q=N?a", "/found?q=N%3Fa"),
    ("/found?q=N=a", "/found?q=N%3Da"),
    ("/found?q=N;a", "/found?q=N%3Ba"),
    ("/found?q=Na", "/found?q=N%61"),
    ("/found?q=N:@!$'()*,a", "/found?q=N%3A%40%21%24%27%28%29%2A%2Ca"),
]
FORMS = [
    ("/number/N", "/number/0N"),
    ("/number/N7", "/number/N%37"),
    ("/number/-N", "/number/-00N"),
    ("/number/N", "/item/N"),
    ("/unique/00000N-0000-4000-8000-00000000000a", "/unique/00000N-0000-4000-8000-00000000000A"),
    ("/item/N", "http://elsewhere/item/N"),
    ("/item/N", "/item/N?a=b"),
]
SAME = [*UNRESERVED, *DELIMITERS, *HEX, *TEXTS, *QUERIES, *FORMS]

DIFFERENT = [
    *((f"/item/N{one}", f"/item/N{other}") for one, other in [
        ("a", "A"),
        ("a", "a%20"),
        ("a", "%20a"),
        ("a+b", "a%20b"),
        ("a%2Bb", "a%20b"),
        ("a%2Fb", "a%252Fb"),
        ("%41", "%2541"),
        ("%2e", "%252e"),
        ("%C3%A9", "e%CC%81"),  # composed and decomposed
        ("%C3%A9", "%E9%8E%A9"),
        ("%C3%9F", "ss"),
        ("i", "%C4%B1"),
        ("I", "%C4%B0"),
        ("K", "%E2%84%AA"),  # the sign of kelvin
        ("fi", "%EF%AC%81"),
        ("a", "%EF%BD%81"),
        ("a", "a%E2%80%8B"),
        ("a", "%D0%B0"),
        ("1", "%D9%A1"),
        ("-", "%E2%80%90"),
        ("%2F", "%E2%81%84"),
        ("%2F", "%5C"),
        (".", "%E2%80%A4"),
        ("..", "..."),
        ("a", "a."),
        ("a;b", "a"),
        ("a;b", "a;c"),
        ("a,b", "b,a"),
        ("a%26b", "a%2526b"),
        ("%25", "%2525"),
        ("%7B", "%7D"),
        ("a%3Fq", "a"),
        ("a%23q", "a"),
        ("~", "%2D"),
        ("%F0%9F%98%80", "%F0%9F%98%81"),
        ("%EF%BB%BFa", "a"),
        ("a-b", "a_b"),
        ("ab", "a%C2%A0b"),
    ]),
    *((f"/found?q=N{one}", f"/found?q=N{other}") for one, other in [
        ("a", "A"),
        ("a+b", "a%2Bb"),
        ("a", "a+"),
        ("a", "+a"),
        ("a;page=2", "a&page=2"),
        ("a&page=1", "a&page=2"),
        ("a%26page=2", "a&page=2"),
        ("a%26b", "a"),
        ("a%23b", "a"),
        ("%2541", "A"),
        ("%C3%A9", "e%CC%81"),
        ("a", "b"),
    ]),
    ("/number/N", "/number/-N"),
    ("/number/N", "/number/N0"),
    ("/item/0N", "/item/N"),
    ("/found?q=N", "/found?Q=N"),
    ("/found?q=N", "/found?page=7&Q=N"),
]  # fmt: skip


@pytest.fixture(scope="module")
def service(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--log-level", "error"]) as one:
        yield one


@pytest.fixture(scope="module")
def other(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """One that shares nothing with the first."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, flags=["--log-level", "error"]) as one:
        yield one


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    """Each once."""
    return count(100)


def asked(mbu: Mbu, service: Running, *targets: str) -> list[str]:
    """What the MBU is asked for because of requests for these targets."""
    mbu.forget()
    for target in targets:
        status, _, _ = split(service.raw(f"GET {target} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n"))
        assert status == 200, target
    return [seen.target for seen in mbu.seen]


@pytest.mark.parametrize("pair", SAME, ids="{0[0]} {0[1]}".format)
def test_r46_what_is_the_same_is_asked_for_once(
    mbu: Mbu, service: Running, other: Running, numbers: Iterator[int], pair: tuple[str, str]
) -> None:
    """And each of the two alone asks for the same."""
    own = str(next(numbers))
    one, second = (target.replace("N", own) for target in pair)
    [wanted] = asked(mbu, service, one, second)
    assert asked(mbu, other, second) == [wanted]


@pytest.mark.parametrize("pair", DIFFERENT, ids="{0[0]} {0[1]}".format)
def test_r46_what_is_different_is_asked_for_each(
    mbu: Mbu, service: Running, numbers: Iterator[int], pair: tuple[str, str]
) -> None:
    """With different targets."""
    own = str(next(numbers))
    one, second = asked(mbu, service, *(target.replace("N", own) for target in pair))
    assert one != second

"""A parameter arrives at the MBU in its own place in path and query, and can never leave it."""

import pytest

from tests.http.conftest import Plain
from tests.http.raw_answers import CLOSE, refused, split
from tests.running import Mbu, Running, Says


@pytest.fixture
def running(plain: Plain) -> Running:
    """The shared service."""
    return plain.running


@pytest.fixture
def mbu(plain: Plain) -> Mbu:
    """Its MBU."""
    return plain.mbu


REACHING = [
    ("a%2Fb", "a%2Fb"),
    ("a%2f%2e%2Eb", "a%2F..b"),
    ("a%3Fb", "a%3Fb"),
    ("a%23b", "a%23b"),
    ("a%26fixed%3D2", "a%26fixed%3D2"),
    ("a%25b", "a%25b"),
    ("a%252e", "a%252e"),
    ("%252e%252e", "%252e%252e"),
    ("a%20b", "a%20b"),
    ("a+b", "a%2Bb"),
    ("a;b", "a%3Bb"),
    ("a:@b", "a%3A%40b"),
    ("%E2%80%AE", "%E2%80%AE"),
    ("%EF%BC%8F", "%EF%BC%8F"),
    ("%E2%80%A4%E2%80%A4", "%E2%80%A4%E2%80%A4"),
    ("%EF%BC%8E%EF%BC%8E", "%EF%BC%8E%EF%BC%8E"),
    ("...", "..."),
    ("a%5Cb", "a%5Cb"),
    ("%F0%9F%98%80", "%F0%9F%98%80"),
]


@pytest.mark.parametrize(("given", "arrives"), REACHING)
def test_s13_a_parameter_stays_in_its_segment(running: Running, mbu: Mbu, given: str, arrives: str) -> None:
    """Whatever it holds, it arrives percent-encoded in its own place in path and query, and nowhere else."""
    wanted = {f"/base/part/{arrives}/end", f"/base/asked?id={arrives}&fixed=1"}
    for target in wanted:
        mbu.answers[target] = Says(b"1")
    got = running.get(f"/home/{given}")
    assert {seen.target for seen in mbu.seen} == wanted
    assert got.json == {"data": {"part": 1, "asked": 1}}


DOTS = "%2e%2e .. . %2E .%2e ..%2f..%2fadmin a%2f..%2fb %2f.. a%5C..%5Cb %2E%2E%5c"
CONTROLS = "%00 a%00b %0d%0aX-Evil:1 %0a %7f %C2%85"
NO_TEXT = "%ff %c0%ae%c0%ae %ed%a0%80 % %2 %zz a%g0"


@pytest.mark.parametrize("given", f"{DOTS} {CONTROLS} {NO_TEXT}".split())
def test_s13_s14_a_parameter_that_can_stand_in_no_segment_is_404(running: Running, mbu: Mbu, given: str) -> None:
    """Dot segments, controls and what is no UTF-8 are no parameters; no MBU is asked."""
    said = running.raw(f"GET /home/{given} HTTP/1.1\r\n".encode() + CLOSE + b"\r\n")
    refused(said, 404)
    assert not mbu.seen


@pytest.mark.parametrize("target", [b"http://evil.example/home/{}", b"http://x:1/home/{}?a=b", b"/home/{}#/../../x"])
def test_s04_s13_the_authority_and_a_fragment_of_a_target_are_nothing_to_an_mbu(
    running: Running, mbu: Mbu, id: str, target: bytes
) -> None:
    """Only the path decides; the host that a client names changes nothing."""
    sent = b"GET " + target.replace(b"{}", id.encode()) + b" HTTP/1.1\r\n" + CLOSE + b"\r\n"
    assert split(running.raw(sent))[0] == 200
    assert {seen.target for seen in mbu.seen} == {f"/base/part/{id}/end", f"/base/asked?id={id}&fixed=1"}
    assert {seen.headers["host"] for seen in mbu.seen} == {mbu.url.removeprefix("http://")}


def test_s02_one_value_has_one_form(running: Running, mbu: Mbu) -> None:
    """The spellings of a number or a uuid are one key, and the MBU sees one of them."""
    mbu.put("/base/part/7/end", 7)
    assert {running.get(f"/number/{given}").body for given in ("7", "007", "%37")} == {b'{"data":{"part":7}}'}
    assert mbu.calls == {"/base/part/7/end": 1}

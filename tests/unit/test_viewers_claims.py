"""A viewer's claims: who it is, for whom the token was made, and from when until when it is good."""

from typing import Any

import pytest

from aggregator.identity.viewers import Unverified, Viewer, Viewers
from aggregator.model.catalogue import Secret, ViewerKey
from tests.samples.tokens import CLAIMS, NOW, SECRET, bearer, handmade

NO_SUB, WRONG_TIME, ELSEWHERE = 'no usable "sub"', "expected: a number of seconds", "for another audience or from"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET.decode())


def key(**more: Any) -> ViewerKey:
    """One declared key."""
    return ViewerKey("HS256", secret=Secret(env="SECRET"), **more)


def told(claims: dict[str, Any], *keys: ViewerKey) -> str:
    """The viewer's name for a token with these claims, or why there is none."""
    found = Viewers(keys or (key(),), lambda: NOW).known(bearer({**CLAIMS, **claims}))
    assert found is not None
    return found.subject if isinstance(found, Viewer) else found.detail


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW}, "has expired"),
        ({"exp": -(10**400)}, "has expired"),
        ({"exp": None}, WRONG_TIME),
        ({"exp": "9999999999"}, WRONG_TIME),
        ({"exp": True}, WRONG_TIME),
        ({"exp": float("nan")}, WRONG_TIME),
        ({"exp": float("inf")}, WRONG_TIME),
        ({"exp": [1]}, WRONG_TIME),
        ({"nbf": NOW + 1}, 'its "nbf" lies ahead'),
        ({"nbf": 10**400}, 'its "nbf" lies ahead'),
        ({"nbf": "x"}, WRONG_TIME),
        ({"nbf": float("nan")}, WRONG_TIME),
        ({"iat": NOW + 1}, 'its "iat" lies ahead'),
        ({"sub": ""}, NO_SUB),
        ({"sub": "x" * 201}, NO_SUB),
        ({"sub": "ü" * 101}, NO_SUB),
        ({"sub": "a\nb"}, NO_SUB),
        ({"sub": "a\x85"}, NO_SUB),
        ({"sub": "\ud800"}, NO_SUB),
    ],
    ids=repr,
)
def test_claims_that_make_no_viewer(claims: dict[str, Any], why: str) -> None:
    """A number that is none, or a name that could stand in no tag, is refused like a time that is over."""
    assert why in told(claims)


@pytest.mark.parametrize("subject", ["null", "3", "true", '["u1"]', '{"a":1}'])
def test_a_subject_is_a_string(subject: str) -> None:
    """As RFC 7519, section 4.1.2 has it."""
    payload = f'{{"exp":9999999999,"sub":{subject}}}'.encode()
    found = Viewers([key()], lambda: NOW).known("Bearer " + handmade({"alg": "HS256"}, payload))
    assert isinstance(found, Unverified)
    assert NO_SUB in found.detail


@pytest.mark.parametrize(("payload", "why"), [(b'{"exp":9999999999}', NO_SUB), (b'{"sub":"u1"}', 'has no "exp"')])
def test_both_claims_are_required(payload: bytes, why: str) -> None:
    """Who it is, and until when."""
    found = Viewers([key()], lambda: NOW).known("Bearer " + handmade({"alg": "HS256"}, payload))
    assert isinstance(found, Unverified)
    assert why in found.detail


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": NOW - 4.5}, True),
        ({"exp": NOW - 5}, False),
        ({"nbf": NOW + 5}, True),
        ({"nbf": NOW + 5.5}, False),
        ({"iat": NOW + 5}, True),
        ({"iat": NOW + 5.5}, False),
        ({"exp": 10**400}, True),
    ],
    ids=repr,
)
def test_clocks_may_differ_by_the_leeway(claims: dict[str, Any], good: bool) -> None:
    """In both directions, and no further."""
    assert (told(claims, key(leeway=5.0)) == "u1") == good


@pytest.mark.parametrize(
    ("declared", "claims", "good"),
    [
        ({}, {"aud": "any", "iss": "any"}, True),
        ({"audience": "app"}, {"aud": "app"}, True),
        ({"audience": "app"}, {"aud": ["x", "app"]}, True),
        ({"audience": "app"}, {}, False),
        ({"audience": "app"}, {"aud": "apps"}, False),
        ({"audience": "app"}, {"aud": []}, False),
        ({"audience": "app"}, {"aud": {"app": 1}}, False),
        ({"audience": "app"}, {"aud": ["app", 3]}, False),
        ({"issuer": "me"}, {"iss": "me"}, True),
        ({"issuer": "me"}, {}, False),
        ({"issuer": "me"}, {"iss": "you"}, False),
        ({"issuer": "me"}, {"iss": "me", "aud": "any"}, True),
    ],
    ids=repr,
)
def test_a_token_for_others_is_refused(declared: dict[str, str], claims: dict[str, Any], good: bool) -> None:
    """Where the key says for whom and from whom."""
    said = told(claims, key(**declared))
    assert said == "u1" if good else ELSEWHERE in said


def test_one_key_may_be_declared_for_several_audiences() -> None:
    """They are tried in turn."""
    assert told({"aud": "b"}, key(audience="a"), key(audience="b")) == "u1"
    assert ELSEWHERE in told({"aud": "c"}, key(audience="a"), key(audience="b"))


def test_what_was_verified_once_expires_all_the_same() -> None:
    """And is not forgotten to be good where another declaration of the key is more patient."""
    now = [NOW]
    strict, patient = (Viewers(keys, lambda: now[0]) for keys in ([key()], [key(), key(leeway=60.0)]))
    for viewers in (strict, patient):
        assert isinstance(viewers.known(bearer()), Viewer)
    now[0] += 60.0
    assert isinstance(strict.known(bearer()), Unverified)
    assert isinstance(patient.known(bearer()), Viewer)
    now[0] += 60.0
    assert isinstance(patient.known(bearer()), Unverified)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sub", "u1"),
        ("org.id", "42"),
        ("org.name", "Ö"),
        ("org", None),
        ("org.id.x", None),
        ("gone", None),
        ("gone.x", None),
        ("admin", None),
        ("share", None),
        ("roles", None),
        ("empty", None),
        ("line", None),
        ("half", None),
        ("long", None),
        ("huge", None),
        ("", None),
    ],
)
def test_claims_are_read_by_path(path: str, text: str | None) -> None:
    """Texts and whole numbers that may stand in a key, and nothing else."""
    claims: dict[str, Any] = {"sub": "u1", "org": {"id": 42, "name": "Ö"}, "admin": True, "share": 0.5, "roles": ["a"]}
    odd = {"empty": "", "line": "a\tb", "half": "\udc00", "long": "x" * 201, "huge": 10**200}
    assert Viewer("u1", claims | odd).claim(path) == text

"""Only a token that a declared key signed, for here and now, makes a viewer; whatever else is sent is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.identity.memo import Memo
from aggregator.identity.viewers import Unverified, Viewer, Viewers
from aggregator.model.catalogue import Secret, ViewerKey
from aggregator.model.key_rules import Algorithm
from tests.samples.tokens import CLAIMS, NOW, SECRET, bearer, handmade, pem, private, signed, unsigned

HS256 = {"alg": "HS256"}
NO_JWT, NOT_TAKEN, UNKNOWN = "is no JWT", "with an algorithm that is not taken; expected: HS256", "with no key that is"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", SECRET.decode())


def hs256(**more: Any) -> ViewerKey:
    """A declared key whose secret is in a variable."""
    return ViewerKey("HS256", secret=Secret(env="SECRET"), **more)


def viewers(*keys: ViewerKey, now: Callable[[], float] = lambda: NOW) -> Viewers:
    """With these keys, or one secret."""
    return Viewers(keys or (hs256(),), now)


def refused(found: object) -> str:
    """Why there is no viewer."""
    assert isinstance(found, Unverified), found
    assert not found.missing
    return found.detail


@pytest.mark.parametrize("algorithm", [*get_args(Algorithm), "Ed448"])
def test_each_algorithm_verifies_with_its_key_and_with_no_other(algorithm: str, tmp_path: Path) -> None:
    """Ed448 is EdDSA's other curve."""
    name, file = algorithm.replace("Ed448", "EdDSA"), tmp_path / "key"
    symmetric = name.startswith("HS")
    key, other = (SECRET, SECRET[::-1]) if symmetric else (private(algorithm), private(algorithm, "other"))
    file.write_bytes(SECRET + b"\n" if symmetric else pem(key))
    source = {"secret": Secret(file=str(file))} if symmetric else {"public_key_file": str(file)}
    told = viewers(ViewerKey(name, **source))
    assert told.known(bearer(key=key, algorithm=name)) == Viewer("u1", CLAIMS)
    assert UNKNOWN in refused(told.known(bearer(key=other, algorithm=name)))


@pytest.mark.parametrize("sent", [None, "", "Bearer", "Bearer  ", "Basic dTE6cA==", "token"])
def test_without_a_token_the_answer_names_no_error(sent: str | None) -> None:
    """Another scheme is no token either (RFC 6750, section 3.1)."""
    assert viewers().known(sent) == Unverified("Send a viewer's token: Authorization: Bearer <token>.", missing=True)


def test_the_scheme_is_told_without_its_case() -> None:
    """As RFC 9110, section 11.1 has it."""
    assert isinstance(viewers().known("bEARER  " + signed()), Viewer)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (unsigned({"alg": "none"}), NOT_TAKEN),
        (unsigned({"alg": "None"}), NOT_TAKEN),
        (unsigned(HS256), UNKNOWN),
        (unsigned({"alg": ["HS256"]}), NOT_TAKEN),
        (unsigned({}), NOT_TAKEN),
        (signed(algorithm="HS384"), NOT_TAKEN),
        (signed(key=private("RS256"), algorithm="RS256"), NOT_TAKEN),
        (signed(key=SECRET[::-1]), UNKNOWN),
        (signed()[:-3], UNKNOWN),
        (signed()[:-5], NO_JWT),
        (signed().rsplit(".", 1)[0], NO_JWT),
        (signed() + ".e30", NO_JWT),
        (signed()[1:], NO_JWT),
        ("garbage", NO_JWT),
        ("a.b.c", NO_JWT),
        ("\xfc.\xfc.\xfc", NO_JWT),
        ("\ud800", NO_JWT),
        (handmade(b"not json", b"{}"), NO_JWT),
        (handmade(b"[]", b"{}"), NO_JWT),
        (handmade(b"[" * 4000, b"{}"), NO_JWT),
        (handmade(HS256, b"not json"), NO_JWT),
        (handmade(HS256, b"[]"), NO_JWT),
        (handmade(HS256, b"[" * 4000), NO_JWT),
        (handmade(HS256, b"\xff"), NO_JWT),
        (handmade({**HS256, "kid": 3}, b"{}"), NO_JWT),
        (handmade({**HS256, "crit": ["x"], "x": 1}, b"{}"), NO_JWT),
        (handmade({**HS256, "b64": False, "crit": ["b64"]}, b""), NO_JWT),
        (signed({**CLAIMS, "long": "x" * 8192}), "is longer than the 8192 bytes"),
        ("x" * 10**6, "is longer than the 8192 bytes"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_token_of_ours_is_refused(token: str, why: str) -> None:
    """And none of it is shown."""
    detail = refused(viewers().known(f"Bearer {token}"))
    assert why in detail
    assert not any(part in detail for part in token.split(".") if len(part) > 8)


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    """Whoever signs by HS256 with the public key of RS256 is refused, even where somebody declared it as a secret."""
    public = tmp_path / "key"
    public.write_bytes(pem(private("RS256")))
    forged = "Bearer " + handmade(HS256, b'{"sub":"u1","exp":9999999999}', secret=public.read_bytes())
    rs256 = ViewerKey("RS256", public_key_file=str(public))
    assert "expected: RS256." in refused(viewers(rs256).known(forged))
    assert UNKNOWN in refused(viewers(rs256, hs256()).known(forged))
    for secret in (public.read_bytes(), public.read_bytes().rstrip()):
        forged = "Bearer " + handmade(HS256, b'{"sub":"u1","exp":9999999999}', secret=secret)
        assert "keys for that cannot be had" in refused(
            viewers(ViewerKey("HS256", secret=Secret(file=str(public)))).known(forged)
        )


def test_a_short_secret_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor an empty one, as of a variable that is gone."""
    monkeypatch.setenv("SECRET", "x" * 31)
    forged = "Bearer " + handmade(HS256, b'{"sub":"u1","exp":9999999999}', secret=b"x" * 31)
    assert "keys for that cannot be had" in refused(viewers().known(forged))


def test_no_declared_key_is_no_viewer() -> None:
    """And the answer says that it is not the client's fault."""
    assert "none, as no key is declared" in refused(Viewers([], lambda: NOW).known(bearer()))


@given(st.one_of(st.text(), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1"))))
def test_nothing_that_is_sent_is_an_exception(sent: str) -> None:
    """Whatever the bytes."""
    told = viewers()
    for header in (sent, f"Bearer {sent}", f"Bearer {signed()}{sent}", f"Bearer {signed().split('.')[0]}.{sent}.x"):
        assert isinstance(told.known(header), Unverified | Viewer)


@given(st.data())
def test_a_token_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    """One character of what is signed, changed, is enough."""
    token = signed().rsplit(".", 1)[0]
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters(codec="ascii").filter(lambda one: one != token[at]))
    changed = token[:at] + char + token[at + 1 :]
    assert isinstance(viewers().known(f"Bearer {changed}.{signed().rsplit('.', 1)[1]}"), Unverified)


def test_a_signature_is_verified_once_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was refused is looked at again each time."""
    seen: list[str] = []
    decode = jwt.decode

    def noted(token: str, *args: Any, **kwargs: Any) -> Any:
        seen.append(token)
        return decode(token, *args, **kwargs)

    monkeypatch.setattr(jwt, "decode", noted)
    told, wrong = viewers(), bearer(key=SECRET[::-1])
    for sent in (bearer(), bearer(), wrong, wrong):
        told.known(sent)
    assert [f"Bearer {token}" for token in seen] == [bearer(), wrong, wrong]


def test_the_memory_is_bounded() -> None:
    """What was not used for longest goes first."""
    memo: Memo[int] = Memo(2)
    memo.put(b"a", 1)
    memo.put(b"b", 2)
    memo.get(b"a")
    memo.put(b"c", 3)
    assert (memo.get(b"a"), memo.get(b"b"), memo.get(b"c"), len(memo)) == (1, None, 3, 2)

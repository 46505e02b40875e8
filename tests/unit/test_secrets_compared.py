"""Secrets are compared in constant time alone: no key meets an operator that ends at the first byte that differs."""

import ast
import asyncio
import hmac
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from aggregator.http import publishing
from aggregator.http.problems import Reply
from aggregator.http.publishing import Publishers
from aggregator.http.signatures import Message
from aggregator.invalidation.nonces import Nonces
from aggregator.model.catalogue import Publisher, Secret
from aggregator.model.publisher_keys import parsed
from tests.running import ROOT

WHERE_SECRETS_ARE = sorted(
    file.relative_to(ROOT / "aggregator")
    for pattern in ("credentials.py", "identity/*.py", "http/publish*.py", "http/signatures.py")
    for file in (ROOT / "aggregator").glob(pattern)
)
# What is compared there otherwise than with a literal, and is nothing that a stranger both sends and guesses at.
COMPARED = {
    "state != self._seen": "a file's state",
    "content != self._content": "what is declared, with what was declared before",
    "(content := self._read()) != self._content": "the same",
    "tuple(keys) == self._keys": "the same",
    "way.declared.algorithm == header.algorithm": "names of algorithms",
    "jwk.get('alg', algorithm) == algorithm": "names of algorithms",
    "key.kid == kid": "names of keys",
    "key.material == material": "digests of keys that are held, with each other",
    "key in self._kept": "digests of tokens, which tell nothing of a token by their beginning",
    "name in jwk": "names of a key's members",
    "name in claims": "names of claims, behind the signature",
    "len(nonce) not in _NONCE": "a length",
}
KEYS = (b"first-key", b"second-key", b"third")


class Guarded(bytes):
    """Bytes that may be read, and compared by no operator."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a secret was compared in a time that tells of it")

    __ne__ = __eq__
    __lt__ = __le__ = __gt__ = __ge__ = __eq__  # type: ignore[assignment]

    def __hash__(self) -> int:
        raise AssertionError("a secret was looked up")

    def startswith(self, *_: Any) -> bool:
        raise AssertionError("a secret was compared in a time that tells of it")


def compared(source: str) -> list[str]:
    """What is compared for equality or membership, and not with a literal."""
    equalities = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops)
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
    ]
    return [ast.unparse(node) for node in equalities]


@pytest.mark.parametrize("file", WHERE_SECRETS_ARE, ids=str)
def test_s12_every_comparison_where_secrets_are_is_of_something_else(file: Path) -> None:
    """A new one has to be looked at, and stand in the list with its reason."""
    assert set(compared((ROOT / "aggregator" / file).read_text())) <= COMPARED.keys()


def test_s12_the_rule_finds_what_it_forbids() -> None:
    """And its list has nothing that is not there any more."""
    assert compared("found = valid == given or given in keys or name == 'x'") == ["valid == given", "given in keys"]
    everything = {one for file in WHERE_SECRETS_ARE for one in compared((ROOT / "aggregator" / file).read_text())}
    assert everything == COMPARED.keys()


@pytest.fixture
def compares(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The lengths of what was compared in constant time; keys and digests are guarded against anything else."""
    made: list[tuple[int, int]] = []
    genuine, digest = hmac.compare_digest, publishing._digest

    def compare(one: bytes, other: bytes) -> bool:
        made.append((len(one), len(other)))
        return genuine(one, other)

    def guarded(signed: str | None, content: bytes) -> tuple[object, ...]:
        return tuple(Guarded(key) for key in parsed(signed, content) if isinstance(key, bytes))

    monkeypatch.setattr(hmac, "compare_digest", compare)
    monkeypatch.setattr("aggregator.http.publisher_keys.parsed", guarded)
    monkeypatch.setattr(publishing, "_digest", lambda key: Guarded(digest(key)))
    return made


@pytest.mark.parametrize("sent", ["first-key", "third", "firsu-key", "x", "", "first-key-and-more", "third" * 1_000])
def test_s12_a_key_costs_the_same_comparisons_whatever_was_sent(
    sent: str, compares: list[tuple[int, int]], tmp_path: Path
) -> None:
    """One with each declared key, the one that fits not the last; each of two digests, so that no length tells."""
    (tmp_path / "keys").write_bytes(b"\n".join(KEYS))
    one = Publisher("one", Secret(file=str(tmp_path / "keys")), ("*",))
    publishers = Publishers([one], Nonces(None, "n"))  # type: ignore[arg-type]
    message = Message("POST", "http://h/invalidations", Headers({"authorization": f"Bearer {sent}"}))
    permitted = asyncio.run(publishers.permit(message, b"", ["a"]))
    assert isinstance(permitted, Reply) is (sent.encode() not in KEYS)
    assert compares == [(32, 32)] * len(KEYS)

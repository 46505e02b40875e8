"""A hash stands for a text: the same under the same key, another under another, and never the text."""

from pathlib import Path

import pytest

from aggregator.credentials import Unreadable
from aggregator.identity.hashing import Hashing, hash_key
from aggregator.model.catalogue import Secret

KEY = b"k" * 16


def test_a_hash_depends_on_text_and_key_alone() -> None:
    """32 hex digits, the same in every process that has the key."""
    assert Hashing(KEY)("cookie") == "deca873e0726854ad751d3e16c3a9755"
    hashes = {Hashing(key)(text) for key in (KEY, KEY + b"2", b"k" * 64, b"k" * 65, b"k" * 66) for text in ("a", "b")}
    assert len(hashes) == 10
    assert {len(one) for one in hashes} == {32}


def test_a_text_may_be_anything() -> None:
    """What is not valid Unicode too."""
    assert len({Hashing(KEY)(text) for text in ("", "\ud800", "ü" * 10_000)}) == 3


@pytest.mark.parametrize("key", [b"", b"k" * 15])
def test_a_key_that_could_be_guessed_is_refused(key: bytes) -> None:
    """Without a key, BLAKE2b is a hash that everybody can make."""
    with pytest.raises(ValueError, match=f"the key for hashes has {len(key)} bytes; expected: at least 16"):
        Hashing(key)


def test_the_key_is_read_where_it_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the line break at a file's end; none is declared, none is there."""
    monkeypatch.setenv("HASH_KEY", "from-env")
    (tmp_path / "key").write_bytes(KEY + b"\r\n")
    assert hash_key(None) is None
    assert hash_key(Secret(env="HASH_KEY")) == b"from-env"
    assert hash_key(Secret(file=str(tmp_path / "key"))) == KEY
    with pytest.raises(Unreadable):
        hash_key(Secret(file=str(tmp_path / "gone")))

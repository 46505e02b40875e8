"""A key in a file is good for as long as it stands there, also for tokens that it had verified before."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.identity.viewers import Unverified, Viewer, Viewers
from aggregator.model.catalogue import Secret, ViewerKey
from tests.certificates import certificate
from tests.samples.tokens import NOW, SECRET, bearer, pem, private, private_pem


def viewers(*keys: ViewerKey) -> Viewers:
    """With these keys."""
    return Viewers(keys, lambda: NOW)


def good(told: Viewers, sent: str) -> bool:
    """Is there a viewer?"""
    found = told.known(sent)
    assert isinstance(found, Viewer | Unverified)
    return isinstance(found, Viewer)


def test_a_secret_that_was_changed_is_no_longer_honoured(tmp_path: Path) -> None:
    """From one call to the next."""
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    told = viewers(ViewerKey("HS256", secret=Secret(file=str(file))))
    old, new = bearer(), bearer(key=SECRET + b"2")
    assert (good(told, old), good(told, new)) == (True, False)
    file.write_bytes(SECRET + b"2\n")
    assert (good(told, old), good(told, new)) == (False, True)


def test_a_public_key_that_was_changed_is_no_longer_honoured(tmp_path: Path) -> None:
    """Where two are declared, the other is none the worse for it."""
    one, two = tmp_path / "one", tmp_path / "two"
    first, second, third = (private("ES256", name) for name in "abc")
    one.write_bytes(pem(first))
    two.write_bytes(pem(second))
    told = viewers(*(ViewerKey("ES256", public_key_file=str(file)) for file in (one, two)))
    tokens = [bearer(key=key, algorithm="ES256") for key in (first, second, third)]
    assert [good(told, token) for token in tokens] == [True, True, False]
    one.write_bytes(pem(third) + b"\n")
    assert [good(told, token) for token in tokens] == [False, True, True]


def test_a_file_that_is_gone_verifies_nobody_until_it_is_back(tmp_path: Path) -> None:
    """And says so, as it may be the operator's mistake."""
    file = tmp_path / "key"
    file.write_bytes(pem(private("ES256")))
    told, sent = viewers(ViewerKey("ES256", public_key_file=str(file))), bearer(key=private("ES256"), algorithm="ES256")
    assert good(told, sent)
    file.unlink()
    detail = "The token cannot be verified now, since keys for that cannot be had; try again later."
    assert told.known(sent) == Unverified(detail, missing=False)
    file.write_bytes(pem(private("ES256")))
    assert good(told, sent)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hush", "it holds no public key or certificate that can be read; expected: PEM"),
        (pem(private("RSA1024")), "the key has 1024 bits; expected: at least 2048 (RFC 7518, section 3.3)"),
        (pem(private("ES256")), "the key is not of the kind that RS256 needs; expected: an RSA key"),
        (private_pem(private("RS256")), "it holds a private key; expected: the public one, or a certificate, alone"),
    ],
    ids=["text", "short", "kind", "private"],
)
def test_a_file_that_holds_no_fitting_key_verifies_nobody(content: bytes, why: str, tmp_path: Path) -> None:
    """That is logged once, without its content."""
    file = tmp_path / "key"
    file.write_bytes(content)
    told = viewers(ViewerKey("RS256", public_key_file=str(file)))
    with capture_logs() as logs:
        assert [good(told, bearer(key=private("RS256"), algorithm="RS256")) for _ in range(2)] == [False, False]
    assert [(entry["key"], entry["why"]) for entry in logs] == [(str(file), why)]


def test_a_certificate_is_as_good_as_its_key(tmp_path: Path) -> None:
    """Its dates and names are TLS's business, not a token's."""
    cert, key = certificate(tmp_path, "issuer")
    told = viewers(ViewerKey("ES256", public_key_file=str(cert)))
    assert good(told, bearer(key=key.read_bytes(), algorithm="ES256"))


def test_a_key_in_a_file_has_no_name_to_compare(tmp_path: Path) -> None:
    """A token may name the key that it was signed with."""
    file = tmp_path / "key"
    file.write_bytes(SECRET)
    assert good(viewers(ViewerKey("HS256", secret=Secret(file=str(file)))), bearer(kid="2024-01"))

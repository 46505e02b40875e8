"""What docs/operating.md shows of signing is right, and so are the example and the command that sign."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.datastructures import Headers

from aggregator.commands.signing import signed_headers
from aggregator.http.signatures import Message, NotSigned, Signed, verified
from tests.http.test_examples import EXAMPLES, node
from tests.running import ROOT
from tests.samples.tokens import private_pem

SECTION = (ROOT / "docs" / "operating.md").read_text().split("\n## Publishers' keys\n")[1].split("\n## ")[0]
BASE, HEAD = (text.rstrip("\n") for text in re.findall(r"```(?:http)?\n(.*?)```", SECTION, re.DOTALL))
SECRET, BODY = (text.encode() for text in re.findall(r"`(a secret[^`]*|\{\"tags[^`]*)`", SECTION))
FIELDS = dict(line.split(": ", 1) for line in HEAD.splitlines())
URL = "http://127.0.0.1:8081/invalidations"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(32))


def by_node(url: str, body: bytes, publisher: str, key: str, **more: object) -> dict[str, str]:
    """The headers that the example makes."""
    given = json.dumps({"url": url, "body": body.decode(), "publisher": publisher, "key": key, **more})
    code = f"import {{ signed }} from '{EXAMPLES}/sign.mjs'; console.log(JSON.stringify(signed({given})))"
    done = subprocess.run([node(), "--input-type=module", "-e", code], capture_output=True, text=True, check=True)
    headers: dict[str, str] = json.loads(done.stdout)
    return headers


def test_the_text_that_is_shown_is_what_is_signed() -> None:
    """Its HMAC is the signature, and the service takes it for what it says."""
    signature = hmac.digest(SECRET, BASE.encode(), hashlib.sha256)
    assert verified(Message("POST", URL, Headers(FIELDS)), BODY, "users", "hmac-sha256", [SECRET]) == Signed(
        "b3k2pp5k7z-50gnwp.yemd", 1_764_000_000
    )
    assert by_node(URL, BODY, "users", SECRET.decode(), created=1_764_000_000, nonce="b3k2pp5k7z-50gnwp.yemd") == FIELDS
    assert f"sig=:{base64.b64encode(signature).decode()}:" == FIELDS["signature"]
    assert BASE.splitlines()[-1].removeprefix('"@signature-params": ') == FIELDS["signature-input"].removeprefix("sig=")


@pytest.mark.parametrize("by", [by_node, signed_headers])
@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
@pytest.mark.parametrize("query", ["", "?dry-run", "?a=b&c=%20"])
def test_what_is_made_is_good_for_its_own_request_alone(by: object, algorithm: str, query: str) -> None:
    """By the Node example and by the command; with a nonce of its own each time."""
    assert callable(by)
    key = SECRET.decode() if algorithm == "hmac-sha256" else private_pem(PRIVATE).decode()
    good = SECRET if algorithm == "hmac-sha256" else PRIVATE.public_key()
    seen = set()
    for _ in range(2):
        headers = Headers(by(URL + query, BODY, "users", key))
        said = verified(Message("POST", URL + query, headers), BODY, "users", algorithm, [good])
        assert abs(said.created - time.time()) < 60
        seen.add(said.nonce)
        with pytest.raises(NotSigned):
            verified(Message("POST", URL + query, headers), BODY + b" ", "users", algorithm, [good])
    assert len(seen) == 2


@pytest.mark.parametrize("key", ["-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n", "-----BEGIN X-----"])
def test_a_key_that_is_none_is_not_shown(key: str) -> None:
    """Only what is wrong with it."""
    with pytest.raises(ValueError, match="is no private key in PEM"):
        signed_headers(URL, BODY, "users", key)

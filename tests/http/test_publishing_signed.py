"""Signed invalidations: each is good once in the whole fleet, near its time, and for what was signed alone."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, HMAC_SHA256

from aggregator.invalidation.wire import nonces_key
from tests.http.test_publishing_refused import TEXT
from tests.running import ROOT, Got, Mbu, Running
from tests.samples.tokens import private_pem
from tests.servers import Valkey

SECRET = b"0123456789abcdef0123456789abcdef"
PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)
PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLISHERS = """
[publishers.users]
key_file = "$FOLDER/secret"
tags = ["user:*"]
signed = "hmac-sha256"
[publishers.posts]
key_file = "$FOLDER/pem"
tags = ["post:*"]
signed = "ed25519"
[publishers.plain]
key_env = "PLAIN_KEY"
tags = ["plain:*"]
"""
COVERED = ("@method", "@path", "@query", "content-digest")
TAGS = {"users": "user:1", "posts": "post:1"}


class Sent(NamedTuple):
    """A request; it has all that a signer looks at."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    """One that can be taken away."""
    with Valkey() as one:
        yield one


@pytest.fixture(scope="module")
def fleet(mbu: Mbu, server: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Running]]:
    """Four services of one namespace."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "secret").write_bytes(b"an older secret, of 32 bytes also\n" + SECRET + b"\n")
    (folder / "pem").write_bytes(PEM)
    text = (TEXT + PUBLISHERS).replace("$MBU", mbu.url).replace("$FOLDER", str(folder))
    name = f"t{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        yield [
            stack.enter_context(Running(text, server.url, env={"PLAIN_KEY": "plain-key"}, namespace=name))
            for _ in range(4)
        ]


def signed(
    publisher: str = "users", key: Any = None, at: float = 0.0, target: str = "/invalidations", **options: Any
) -> Sent:
    """A request, signed as a publisher would; `at`: seconds from now."""
    algorithm, own = (ED25519, PRIVATE) if publisher == "posts" else (HMAC_SHA256, SECRET)
    body = json.dumps({"tags": [options.pop("tag", TAGS[publisher])]}).encode()
    sent = Sent("POST", f"http://127.0.0.1{target}", {}, body)
    resolver = MappingKeyResolver(public_keys={}, private_keys={publisher: key or own})
    options = {"covered_component_ids": COVERED, "nonce": uuid.uuid4().hex, "body": body, **options}
    created = datetime.fromtimestamp(time.time() + at, UTC)
    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=resolver)
    signer.sign(sent, key_id=publisher, created=created, **options)
    return sent


def post(running: Running, sent: Sent, target: str = "/invalidations") -> Got:
    """The request, as it is."""
    return running.get(target, sent.headers, sent.method, sent.body, admin=True)


def appended(running: Running, server: Valkey) -> int:
    """How many records the log has."""
    with redis.Redis.from_url(server.url) as client:
        return int(client.xlen(f"{running.namespace}:invalidations"))


@pytest.mark.parametrize("publisher", TAGS)
def test_s09_a_signed_request_is_taken(fleet: list[Running], publisher: str) -> None:
    """By either algorithm."""
    got = post(fleet[0], signed(publisher))
    assert (got.status, got.body) == (202, got.body)


def other(sent: Sent, **changed: str) -> Sent:
    """The request with other header fields."""
    return sent._replace(headers={**sent.headers, **{name.replace("_", "-"): text for name, text in changed.items()}})


# What is signed in another way than it has to be.
WRONGLY_SIGNED: dict[str, dict[str, Any]] = {
    "another secret": {"key": b"f" * 32},
    "the PEM as a secret": {"key": PEM},
    "no nonce": {"nonce": None},
    "a short nonce": {"nonce": "x" * 15},
    "a long nonce": {"nonce": "x" * 129},
    "another publisher's tag": {"tag": "post:1"},
    "the wildcard": {"tag": "*"},
    "a tag in capitals": {"tag": "USER:1"},
    "the method is not signed": {"covered_component_ids": COVERED[1:]},
    "the path is not signed": {"covered_component_ids": ("@method", "@query", "content-digest")},
    "the query is not signed": {"covered_component_ids": ("@method", "@path", "content-digest")},
    "the digest is not signed": {"covered_component_ids": COVERED[:3], "body": None},
    "signed for another path": {"target": "/elsewhere"},
    "signed for a dry run": {"target": "/invalidations?dry-run"},
    "too old": {"at": -70.0},
    "much too old": {"at": -86_400.0},
    "too new": {"at": 70.0},
    "expired": {"expires": datetime.fromtimestamp(time.time() - 10, UTC)},
}
# What its Signature-Input says, and what it is made to say.
OTHER_INPUTS = {
    "alg none": ("hmac-sha256", "none"),
    "alg empty": ("hmac-sha256", ""),
    "alg ed25519": ("hmac-sha256", "ed25519"),
    "another keyid": ('"users"', '"posts"'),
    "a keyid in capitals": ('"users"', '"USERS"'),
    "an unknown keyid": ('"users"', '"nobody"'),
    "unicode digits": ("created=1", "created=\u00b9"),
    "created a text": ("created=", 'created="x";x='),
}


def altered(good: Sent) -> dict[str, Sent]:
    """What was signed well, and then changed, by how."""
    inputs, signature, digest = (good.headers[name] for name in ("Signature-Input", "Signature", "Content-Digest"))
    said = {why: other(good, Signature_Input=inputs.replace(*change)) for why, change in OTHER_INPUTS.items()}
    return said | {
        "a truncated body": good._replace(body=good.body[:-1]),
        "a body with more": good._replace(body=good.body + b" "),
        "another body": good._replace(body=good.body.replace(b"user:1", b"user:2")),
        "no body": good._replace(body=b""),
        "no signature": good._replace(headers={"Signature-Input": inputs, "Content-Digest": digest}),
        "no input": good._replace(headers={"Signature": signature}),
        "a key sent, not signed with": good._replace(headers={"authorization": f"Bearer {SECRET.decode()}"}),
        "a signature twice": other(good, Signature=f"{signature}, {signature}"),
        "two labels": other(good, Signature_Input=f"{inputs}, b={inputs.partition('=')[2]}"),
        "another label": other(good, Signature=signature.replace("pyhms", "b")),
        "an empty signature": other(good, Signature="pyhms=::"),
        "no structured field": other(good, Signature="((("),
        "a digest in MD5": other(good, Content_Digest="md5=:AAAAAAAAAAAAAAAAAAAAAA==:"),
        "another host's URL": other(good, host="a b", Signature=signature.replace(":", ":A", 1)),
    }


def wrong_requests() -> dict[str, tuple[Sent, str]]:
    """What must be refused, by why; and where it is sent."""
    wrong = {why: signed(**options) for why, options in WRONGLY_SIGNED.items()} | altered(signed())
    sent = {why: (one, "/invalidations") for why, one in wrong.items()}
    return sent | {"sent as a dry run": (signed(), "/invalidations?dry-run")}


@pytest.mark.parametrize("why", wrong_requests())
def test_s09_what_is_not_signed_as_it_has_to_be_is_refused(fleet: list[Running], server: Valkey, why: str) -> None:
    """With 401 or 403, and nothing is appended."""
    sent, target = wrong_requests()[why]
    before = appended(fleet[0], server)
    got = post(fleet[0], sent, target)
    assert got.status in (401, 403), got
    assert SECRET not in got.body
    assert appended(fleet[0], server) == before


@pytest.mark.parametrize("publisher", TAGS)
def test_a_dry_run_is_signed_by_the_command(fleet: list[Running], publisher: str, tmp_path: Path) -> None:
    """With either kind of key; where it is another publisher's, it is refused as a request would be."""
    (tmp_path / "key").write_bytes(private_pem(PRIVATE) if publisher == "posts" else SECRET + b"\n")
    command = [sys.executable, "-m", "aggregator", "invalidate", "--dry-run", TAGS[publisher]]
    command += ["--admin-url", f"{fleet[0].admin_url}/", "--key-file", str(tmp_path / "key"), "--sign-as"]
    for name, status in ((publisher, 0), ("plain", 2)):
        done = subprocess.run([*command, name], capture_output=True, text=True, cwd=ROOT, env=fleet[0].env, timeout=30)
        assert done.returncode == status, done
        assert SECRET.decode() not in done.stdout + done.stderr


def test_s10_a_request_is_good_once_in_the_whole_fleet(fleet: list[Running], server: Valkey) -> None:
    """However often, and to whomever, it is sent at once; another one is good again."""
    sent, times, before = signed(), 1_000, appended(fleet[0], server)
    with ThreadPoolExecutor(32) as threads:
        statuses = list(threads.map(lambda at: post(fleet[at % 4], sent).status, range(times)))
    assert sorted(statuses) == [202] + [401] * (times - 1)
    assert appended(fleet[0], server) == before + 1
    assert post(fleet[1], signed()).status == 202


def test_s10_a_nonce_is_a_publishers_own(fleet: list[Running]) -> None:
    """What another one took is no reason to refuse."""
    assert [post(fleet[0], signed(who, nonce="n" * 16)).status for who in TAGS] == [202, 202]


def test_s10_what_holds_nonces_cannot_be_evicted(fleet: list[Running], server: Valkey) -> None:
    """It has no time to live."""
    with redis.Redis.from_url(server.url) as client:
        assert client.ttl(nonces_key(fleet[0].namespace)) == -1


def test_s10_without_redis_it_is_refused(fleet: list[Running], server: Valkey) -> None:
    """503: nobody knows whether it was sent before."""
    server.kill()
    try:
        assert post(fleet[0], signed()).status == 503
    finally:
        server.start()

"""Keys that are fetched: one fetch for all who wait, and of what comes only the keys that fit."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from aggregator.identity.viewers import Unverified
from aggregator.model.catalogue import ViewerKey
from tests.issuer import ES256, FIRST, ONE, SET_ONE, TWO, URL, Issuer, good, settled
from tests.samples.tokens import bearer, jwk, jwks, private
from tests.virtual_time import run


def test_a_set_is_fetched_at_first_use_and_then_known() -> None:
    """Nothing is fetched for what is no token, or has another algorithm."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        assert [good(told.known(sent)) for sent in (None, "Bearer x", bearer())] == [False] * 3
        assert (told.known(FIRST), issuer.calls) == (None, [])
        assert good(await told.verify(FIRST))
        assert good(told.known(FIRST))
        assert issuer.calls == [URL]
        await told.close()
        assert issuer.closed

    run(main())


def test_all_who_wait_wait_for_one_fetch() -> None:
    """One of them who leaves stops it for nobody."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        issuer.open.clear()
        told = issuer.viewers(
            ES256, ViewerKey("ES256", jwks_url=URL, audience="other"), ViewerKey("ES384", jwks_url=URL)
        )
        waiting = [asyncio.create_task(told.verify(FIRST)) for _ in range(20)]
        await settled()
        waiting.pop(0).cancel()
        await settled()
        assert told.known(FIRST) is None
        issuer.open.set()
        assert all(good(found) for found in await asyncio.gather(*waiting))
        assert issuer.calls == [URL]

    run(main())


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (OSError("no answer in time"), "no answer in time"),
        (b"<html>", "it is no JSON; expected: a JWK Set"),
        (b"[]", 'it has no list "keys"; expected: a JWK Set (RFC 7517, section 5)'),
        (b'{"keys": {}}', 'it has no list "keys"; expected: a JWK Set (RFC 7517, section 5)'),
    ],
    ids=repr,
)
def test_while_nothing_can_be_fetched_nobody_is_verified(says: bytes | Exception, why: str) -> None:
    """The answer says so, and the issuer is asked once a second at most."""

    async def main() -> None:
        issuer = Issuer(says)
        told = issuer.viewers()
        detail = "The token cannot be verified now, since keys for that cannot be had; try again later."
        for _ in range(3):
            assert await told.verify(FIRST) == Unverified(detail, missing=False)
        assert (good(told.known(FIRST)), len(issuer.calls)) == (False, 1)
        issuer.now += 1.0
        assert told.known(FIRST) is None
        assert not good(await told.verify(FIRST))
        issuer.now += 1.0
        issuer.says = SET_ONE
        assert good(await told.verify(FIRST))

    with capture_logs() as logs:
        run(main())
    assert [(entry["event"], entry.get("why")) for entry in logs] == [
        ("key set cannot be fetched", why),
        ("key set can be fetched again", None),
    ]


UNFIT = {
    "another algorithm": jwk("ES256", ONE, alg="ES384"),
    "to encrypt with": jwk("ES256", ONE, use="enc"),
    "another curve": jwk("ES384", private("ES384")),
    "another type": jwk("RS256", private("RS256")),
    "a secret": {"kty": "oct", "k": "c2VjcmV0"},
    "off the curve": {**jwk("ES256", ONE), "x": jwk("ES256", TWO)["x"]},
    "without its half": {**jwk("ES256", ONE), "y": None},
    "no key": 3,
}


@pytest.mark.parametrize("unfit", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_the_algorithm_is_left_out(unfit: Any) -> None:
    """Alone it is no key, and it spoils no other."""

    async def main() -> None:
        sent = bearer(key=ONE, algorithm="ES256")
        assert not good(await Issuer(jwks(unfit)).viewers().verify(sent))
        assert good(await Issuer(jwks(unfit, jwk("ES256", ONE, use="sig", alg="ES256"))).viewers().verify(sent))

    run(main())


def test_a_token_without_a_name_is_tried_with_every_key_and_one_with_it_with_that_alone() -> None:
    """The name is the key's `kid`, and a key without one goes by none."""

    async def main() -> None:
        told = Issuer(jwks(jwk("ES256", ONE, kid="1"), jwk("ES256", TWO, kid="2"), jwk("ES256", ONE))).viewers()
        tokens = [bearer(key=TWO, algorithm="ES256", **kid) for kid in ({}, {"kid": "2"}, {"kid": "1"}, {"kid": "3"})]
        assert [good(await told.verify(token)) for token in tokens] == [True, True, False, False]

    run(main())


def test_a_private_key_in_a_set_is_taken_for_the_public_one() -> None:
    """Somebody will publish one."""

    async def main() -> None:
        told = Issuer(jwks(jwk("ES256", ONE, d=jwk("ES256", ONE)["x"]))).viewers()
        assert good(await told.verify(bearer(key=ONE, algorithm="ES256")))

    run(main())


def test_at_the_end_whoever_waits_is_answered() -> None:
    """And nothing is left under way."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        issuer.open.clear()
        told = issuer.viewers()
        waiting = asyncio.create_task(told.verify(FIRST))
        await settled()
        await told.close()
        assert not good(await waiting)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(main())


def test_a_set_that_was_fetched_is_known_when_other_keys_are_declared() -> None:
    """Also while its issuer cannot be reached; equal keys change nothing."""

    async def story() -> None:
        issuer = Issuer(SET_ONE)
        viewers = issuer.viewers()
        assert good(await viewers.verify(FIRST))
        issuer.says = OSError("it is away")
        assert viewers.renewed([replace(ES256)]) is viewers
        renewed = viewers.renewed([replace(ES256, leeway=5.0)])
        assert good(renewed.known(FIRST))
        assert issuer.calls == [URL]
        assert not good(viewers.renewed([]).known(FIRST))

    run(story())

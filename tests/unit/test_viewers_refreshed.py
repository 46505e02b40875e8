"""Fetched keys are fetched again before they are old, and honoured for as long as they are in the set."""

from aggregator.model.catalogue import ViewerKey
from tests.issuer import ES256, FIRST, LASTING, ONE, SECOND, SET_ONE, SET_TWO, TWO, Issuer, good, settled
from tests.samples.tokens import NOW, bearer, jwk, jwks
from tests.virtual_time import run


def test_an_unknown_name_is_looked_for_once_in_ten_seconds() -> None:
    """Whatever names are sent."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        assert good(await told.verify(FIRST))
        assert not good(await told.verify(SECOND))
        issuer.now += 9.9
        assert (good(told.known(SECOND)), len(issuer.calls)) == (False, 1)
        issuer.now += 0.1
        issuer.says = jwks(jwk("ES256", ONE, kid="1"), jwk("ES256", TWO, kid="2"))
        assert told.known(SECOND) is None
        assert (good(await told.verify(SECOND)), good(told.known(FIRST))) == (True, True)
        assert good(told.known(bearer(key=TWO, algorithm="ES256", kid="3"))) is False
        assert len(issuer.calls) == 2

    run(main())


def test_time_that_is_set_back_stops_no_fetch() -> None:
    """The fleet's clock is the server's, and may be set."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        await told.verify(FIRST)
        issuer.now -= 3600.0
        assert told.known(SECOND) is None

    run(main())


def test_old_keys_are_fetched_again_behind_and_what_is_gone_is_gone() -> None:
    """Also for a token that had been verified with it; until then the old ones are good."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        await told.verify(LASTING)
        issuer.says = SET_TWO
        issuer.now += 299.0
        assert good(told.known(LASTING))
        await settled()
        assert len(issuer.calls) == 1
        issuer.now += 1.0
        assert (good(told.known(LASTING)), good(told.known(LASTING))) == (True, True)
        await settled()
        assert len(issuer.calls) == 2
        issuer.now += 1.0
        assert not good(told.known(LASTING))

    run(main())


def test_a_token_that_is_new_lets_old_keys_be_fetched_again_too() -> None:
    """Where nobody comes twice."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        await told.verify(FIRST)
        issuer.now += 300.0
        assert good(told.known(LASTING))
        await settled()
        assert len(issuer.calls) == 2

    run(main())


def test_where_they_cannot_be_fetched_again_old_keys_are_good_for_a_day() -> None:
    """The issuer is asked every ten seconds meanwhile, and no longer than that are they honoured."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers()
        await told.verify(LASTING)
        issuer.says = OSError("away")
        for seconds in (300.0, 9.0, 1.0):
            issuer.now += seconds
            assert good(told.known(LASTING))
            await settled()
        assert len(issuer.calls) == 3
        issuer.now = NOW + 86_399.0
        assert good(await told.verify(LASTING))
        await settled()
        issuer.now += 1.0
        assert not good(await told.verify(LASTING))

    run(main())


def test_what_is_known_to_be_expired_is_not_fetched_for() -> None:
    """Another issuer's keys would not verify what is signed with this one's."""

    async def main() -> None:
        issuer = Issuer(SET_ONE)
        told = issuer.viewers(ES256, ViewerKey("ES256", jwks_url="http://other"))
        assert good(await told.verify(FIRST))
        calls = len(issuer.calls)
        issuer.now += 60.0
        assert not good(told.known(FIRST))
        assert len(issuer.calls) == calls

    run(main())

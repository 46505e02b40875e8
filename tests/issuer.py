"""An issuer of key sets for tests, without a network, and viewers who are told by its keys."""

import asyncio

from aggregator.identity.viewers import Unverified, Viewer, Viewers
from aggregator.model.catalogue import ViewerKey
from tests.samples.tokens import NOW, bearer, jwk, jwks, private

URL = "http://issuer/keys"
ES256 = ViewerKey("ES256", jwks_url=URL)
ONE, TWO = private("ES256", "one"), private("ES256", "two")
FIRST, SECOND = (bearer(key=key, algorithm="ES256", kid=kid) for key, kid in ((ONE, "1"), (TWO, "2")))
LASTING = bearer({"sub": "u1", "exp": NOW + 10**6}, ONE, "ES256", kid="1")
SET_ONE, SET_TWO = jwks(jwk("ES256", ONE, kid="1")), jwks(jwk("ES256", TWO, kid="2"))


class Issuer:
    """Publishes key sets; while it is held, answers wait."""

    def __init__(self, says: bytes | Exception) -> None:
        self.says = says
        self.calls: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.now = NOW
        self.closed = False

    async def get(self, url: str) -> bytes:
        """What it says when it answers."""
        self.calls.append(url)
        await self.open.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def close(self) -> None:
        """Note it."""
        self.closed = True

    def viewers(self, *keys: ViewerKey) -> Viewers:
        """Told by its keys."""
        return Viewers(keys or (ES256,), lambda: self.now, self)


async def settled() -> None:
    """Let what goes on behind go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def good(found: Viewer | Unverified | None) -> bool:
    """Is there a viewer? It has to be known."""
    assert found is not None
    return isinstance(found, Viewer)

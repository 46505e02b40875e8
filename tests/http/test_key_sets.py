"""A key set is fetched from a real server, within its time and size, and from nowhere else."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from aggregator.identity.fetch import MAX_DOCUMENT, HttpFetch
from aggregator.identity.viewers import Unverified, Viewer, Viewers
from aggregator.model.catalogue import ViewerKey
from tests.mbu import Mbu
from tests.samples.tokens import NOW, bearer, jwk, jwks, private

KEYS = jwks(jwk("ES256", private("ES256"), kid="1"))


@pytest.fixture(scope="module")
def issuer() -> Iterator[Mbu]:
    """A server that publishes a key set, and what is none."""
    with Mbu() as server:
        server.put("/keys", KEYS)
        server.put("/keys?tenant=1", KEYS)
        server.put("/largest", b" " * MAX_DOCUMENT)
        server.put("/larger", b" " * (MAX_DOCUMENT + 1))
        server.put("/moved", b"", status=302, headers={"location": f"{server.url}/keys"})
        server.put("/slow", b"", hang=True)
        server.put("/late", b"", hang=True, raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")
        server.put("/cut", b"", raw=b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")
        yield server


@pytest.mark.parametrize("path", ["/keys", "/keys?tenant=1"])
def test_a_viewer_is_verified_with_keys_of_a_real_server(path: str, issuer: Mbu) -> None:
    """As the aggregator does it, with nothing but the URL."""

    async def main() -> tuple[object, object]:
        viewers = Viewers([ViewerKey("ES256", jwks_url=issuer.url + path)], lambda: NOW)
        sent = bearer(key=private("ES256"), algorithm="ES256", kid="1")
        found = await viewers.verify(sent), viewers.known(sent)
        await viewers.close()
        return found

    issuer.forget()
    verified, known = asyncio.run(main())
    assert isinstance(verified, Viewer)
    assert known == verified
    assert issuer.calls == {path: 1}


def fetched(url: str, seconds: float = 5.0) -> bytes:
    """What comes from there."""

    async def main() -> bytes:
        fetch = HttpFetch(seconds)
        try:
            return await fetch.get(url)
        finally:
            await fetch.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/gone", "answered 404"),
        ("/moved", "answered 302"),
        ("/larger", "answered more than 1048576 bytes"),
        ("/slow", "no answer in time"),
        ("/late", "no answer in time"),
        ("/cut", "end of file before message length reached"),
    ],
)
def test_what_is_no_document_is_an_error_that_says_why(path: str, why: str, issuer: Mbu) -> None:
    """Redirects are not followed: they could lead anywhere."""
    with pytest.raises(OSError, match=why):
        fetched(issuer.url + path, 0.3 if why == "no answer in time" else 5.0)


def test_a_document_of_the_largest_size_is_taken(issuer: Mbu) -> None:
    """To the last byte."""
    assert len(fetched(f"{issuer.url}/largest")) == MAX_DOCUMENT


def test_where_nobody_listens_the_answer_is_unverified() -> None:
    """And no exception."""

    async def main() -> Viewer | Unverified:
        viewers = Viewers([ViewerKey("ES256", jwks_url="http://127.0.0.1:1/keys")], lambda: NOW)
        found = await viewers.verify(bearer(key=private("ES256"), algorithm="ES256"))
        await viewers.close()
        return found

    found = asyncio.run(main())
    assert isinstance(found, Unverified)
    assert "keys for that cannot be had" in found.detail


def test_without_key_sets_no_client_is_made() -> None:
    """It would have a thread of its own in every process."""
    before = threading.active_count()
    asyncio.run(Viewers([], lambda: NOW).close())
    assert threading.active_count() == before

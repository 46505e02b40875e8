"""Viewers are told by the tokens they bear: signatures are verified once a token, times at every use."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from aggregator.identity.bearer import bearer_token
from aggregator.identity.fetch import Fetch, HttpFetch
from aggregator.identity.key_set import KeySet
from aggregator.identity.memo import Memo, digest
from aggregator.identity.token import Header, Refused, header_of
from aggregator.identity.viewer import Unverified, Viewer
from aggregator.identity.ways import Proof, Way, way_of
from aggregator.model.catalogue import ViewerKey

__all__ = ["Unverified", "Viewer", "Viewers"]

MOST_REMEMBERED = 10_000


class _Lacking(NamedTuple):
    """Key sets that have to be fetched before a token can be judged, and what to say if they do not help."""

    key_sets: list[KeySet]
    otherwise: Unverified


class Viewers:
    """keys: the declared ones, tried in order. now: the fleet's seconds since the Unix epoch. key_sets: by URL, those
    that are there already."""

    def __init__(
        self,
        keys: Sequence[ViewerKey],
        now: Callable[[], float],
        fetch: Fetch | None = None,
        key_sets: dict[str, KeySet] | None = None,
    ) -> None:
        self._keys = tuple(keys)
        self._now = now
        self._fetch = fetch or HttpFetch()
        self._key_sets = {} if key_sets is None else key_sets
        self._ways = [way_of(key, self._key_sets, self._fetch, now) for key in keys]
        self._memo: Memo[Proof] = Memo(MOST_REMEMBERED)

    def known(self, authorization: str | None) -> Viewer | Unverified | None:
        """Who bears the Authorization header's token, or why nobody does; None = a key set has to be fetched first.

        To be called in a running loop: an old key set is fetched again behind it."""
        answer = self._judge(authorization)
        return None if isinstance(answer, _Lacking) else answer

    async def verify(self, authorization: str | None) -> Viewer | Unverified:
        """The same, once everything that it takes was fetched, or could not be."""
        answer = self._judge(authorization)
        if isinstance(answer, _Lacking):
            await asyncio.gather(*(key_set.fetched() for key_set in answer.key_sets))
            answer = self._judge(authorization)
        return answer.otherwise if isinstance(answer, _Lacking) else answer

    def renewed(self, keys: Sequence[ViewerKey]) -> "Viewers":
        """The same with these keys declared: key sets that were fetched stay, and both are closed together."""
        return self if tuple(keys) == self._keys else Viewers(keys, self._now, self._fetch, self._key_sets)

    async def close(self) -> None:
        """Give up what is being fetched; whoever waits for it is answered without it."""
        for key_set in self._key_sets.values():
            await key_set.close()
        await self._fetch.close()

    def _judge(self, authorization: str | None) -> Viewer | Unverified | _Lacking:
        token = bearer_token(authorization)
        if isinstance(token, Unverified):
            return token
        if viewer := self._remembered(name := digest(token)):
            return viewer
        try:
            found = self._examined(token)
        except Refused as refused:
            return _unverified(refused)
        if isinstance(found, Proof):
            self._memo.put(name, found)
            return found.viewer
        return found

    def _remembered(self, name: bytes) -> Viewer | None:
        proof = self._memo.get(name)
        return proof.viewer if proof and self._stands(proof) else None

    def _stands(self, proof: Proof) -> bool:
        """Is the key still honoured, and the token valid now?"""
        proof.way.refresh()
        try:
            proof.way.check(proof.viewer.claims, self._now())
        except Refused:
            return False
        return proof.way.holds(proof.material)

    def _examined(self, token: str) -> Proof | Unverified | _Lacking:
        """What the first way proves that can; Refused if one knew the signature, and then no other will."""
        header = header_of(token)
        ways = self._ways_for(header)
        refused: Refused | None = None
        for way in ways:
            way.refresh()
            try:
                if proof := way.proof(token, header.kid, self._now()):
                    return proof
            except Refused as why:
                refused = refused or why
        if refused:
            raise refused
        lacking = [key_set for way in ways if (key_set := way.missing(header.kid))]
        return _Lacking(lacking, _unsigned(ways)) if lacking else _unsigned(ways)

    def _ways_for(self, header: Header) -> list[Way]:
        """Those of the token's algorithm; Refused if there is none."""
        ways = [way for way in self._ways if way.declared.algorithm == header.algorithm]
        if not ways:
            taken = ", ".join(sorted({way.declared.algorithm for way in self._ways})) or "none, as no key is declared"
            raise Refused(f"is signed with an algorithm that is not taken; expected: {taken}")
        return ways


def _unsigned(ways: list[Way]) -> Unverified:
    if any(not way.keys.now() for way in ways):
        return _unverified("cannot be verified now, since keys for that cannot be had; try again later")
    return _unverified("is signed with no key that is known; ask its issuer for a new one")


def _unverified(why: object) -> Unverified:
    return Unverified(f"The token {why}.", missing=False)

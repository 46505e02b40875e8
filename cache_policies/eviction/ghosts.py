"""The keys that left lately, as fingerprints in a fixed number of places."""

from array import array

NOTHING = -1


class Ghosts:
    """A queue of (fingerprint, cost), in a ring of places, with a hash table over it whose chains run through the ring.

    limit: bytes that what left had together when it was kept. places: at most so many leave before the oldest is
    forgotten, those that were taken meanwhile included. The oldest are forgotten first.
    A fingerprint is the key's own 64-bit hash, so one in 2**64 pairs of keys is taken for the same.
    """

    def __init__(self, limit: int, places: int) -> None:
        self.size = 0
        self._limit = limit
        self._places = max(places, 1)
        self._first = array("i", [NOTHING]) * self._places
        self._next = array("i", [NOTHING]) * self._places
        self._fingerprints = array("q", [0]) * self._places
        self._costs = array("q", [0]) * self._places
        self._begin = self._end = 0

    @property
    def overhead(self) -> int:
        """Bytes of its own, all taken at once."""
        return sum(len(one) * one.itemsize for one in (self._first, self._next, self._fingerprints, self._costs))

    def add(self, key: bytes, cost: int) -> None:
        """Remember `key`, which is not remembered, even where this is more than may be: see `trim`."""
        if self._end - self._begin == self._places:
            self._forget_oldest()
        fingerprint = hash(key)
        place, chain = self._end % self._places, fingerprint % self._places
        self._fingerprints[place], self._costs[place] = fingerprint, cost
        self._next[place], self._first[chain] = self._first[chain], place
        self.size += cost
        self._end += 1

    def take(self, key: bytes) -> bool:
        """Forget `key`; whether it was remembered."""
        fingerprint = hash(key)
        place = self._first[fingerprint % self._places]
        while place != NOTHING and self._fingerprints[place] != fingerprint:
            place = self._next[place]
        if place == NOTHING:
            return False
        self._forget(place)
        return True

    def trim(self) -> None:
        """Forget the oldest until the rest is within the limit."""
        while self.size > self._limit:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        place = self._begin % self._places
        self._begin += 1
        if self._costs[place]:
            self._forget(place)

    def _forget(self, place: int) -> None:
        chain = self._fingerprints[place] % self._places
        after = self._next[place]
        if self._first[chain] == place:
            self._first[chain] = after
        else:
            before = self._first[chain]
            while self._next[before] != place:
                before = self._next[before]
            self._next[before] = after
        self.size -= self._costs[place]
        self._costs[place] = 0

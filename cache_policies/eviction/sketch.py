"""How often keys were used lately, about: a count-min sketch that forgets by halves."""

ROOM = 16
PERIOD = 10
MOST = 15
HALVED = bytes(count // 2 for count in range(256))


class Sketch:
    """Four counters a key, a byte each, among ROOM times as many as `keys`; an estimate is never too low, but for MOST.

    After PERIOD times as many uses as `keys` all counts are halved.
    """

    def __init__(self, keys: int) -> None:
        width = 1 << (max(keys, 1) * ROOM - 1).bit_length()
        self._mask = width - 1
        self._counts = bytearray(width)
        self._left = self._period = PERIOD * max(keys, 1)

    @property
    def overhead(self) -> int:
        """Bytes of its own."""
        return len(self._counts)

    def count(self, key: bytes) -> None:
        """Note a use."""
        counts = self._counts
        places = self._places(key)
        least = min([counts[place] for place in places])
        if least < MOST:
            for place in places:
                if counts[place] == least:
                    counts[place] = least + 1
        self._left -= 1
        if not self._left:
            self._left = self._period // 2
            self._counts = counts.translate(HALVED)

    def estimate(self, key: bytes) -> int:
        """The uses of `key` that are not forgotten."""
        counts = self._counts
        return min([counts[place] for place in self._places(key)])

    def _places(self, key: bytes) -> tuple[int, int, int, int]:
        mask, first = self._mask, hash(key)
        step = first >> 32 | 1
        return first & mask, first + step & mask, first + 2 * step & mask, first + 3 * step & mask

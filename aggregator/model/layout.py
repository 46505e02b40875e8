"""A layout splices the payloads of a screen's slots, as bytes, into one JSON object, nested as declared."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """`texts` stand before, between and behind the payloads; `order` says whose payload comes in each gap."""

    texts: tuple[bytes, ...]
    order: tuple[int, ...]

    @classmethod
    def of(cls, places: Sequence[Place]) -> "Layout":
        """The layout of slots at these places. An object comes where the first slot in it is declared."""
        tree: dict[str, object] = {}
        for index, place in enumerate(places):
            inner = tree
            for name in place[:-1]:
                inner = inner.setdefault(name, {})  # type: ignore[assignment]
            inner[place[-1]] = index
        texts, order = [b""], []
        for piece in _pieces(tree):
            if isinstance(piece, int):
                order.append(piece)
                texts.append(b"")
            else:
                texts[-1] += piece
        return cls(tuple(texts), tuple(order))

    def splice(self, payloads: Sequence[bytes]) -> bytes:
        """The object, with each payload byte for byte; `payloads` in the order of the places."""
        parts = [self.texts[0]]
        for index, text in zip(self.order, self.texts[1:], strict=True):
            parts += (payloads[index], text)
        return b"".join(parts)


def _pieces(tree: dict[str, object]) -> list[bytes | int]:
    pieces: list[bytes | int] = [b"{"]
    for name, inner in tree.items():
        pieces.append((b"" if len(pieces) == 1 else b",") + orjson.dumps(name) + b":")
        pieces += _pieces(inner) if isinstance(inner, dict) else [inner]  # type: ignore[list-item]
    return [*pieces, b"}"]


def collision(places: Sequence[Place]) -> tuple[int, int] | None:
    """Two of them that would write one place, the earlier first: equal, or one inside the other."""
    for later, place in enumerate(places):
        for earlier, other in enumerate(places[:later]):
            if place[: len(other)] == other or other[: len(place)] == place:
                return earlier, later
    return None

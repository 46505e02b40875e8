"""A batch is how many answers of one fragment are asked for in one call, and told apart again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw

from aggregator.model.keys import canonical
from aggregator.model.payload_path import PayloadPath
from aggregator.model.template import Template

_T = TypeVar("_T")
_IDS = "{ids}"
_INTEGER = re.compile(rb"-?[0-9]+")


class BatchMistake(ValueError):
    """A payload cannot be taken apart as the batch is declared; the message says why, and holds nothing of it."""


@dataclass(frozen=True)
class Batch:
    """path: with {ids} and the fragment's other inputs, such as "/articles?ids={ids}". input: the fragment's input
    whose values are the ids. key: where each element says its id. max: ids a call.
    items: where in the answer the list is; None = the answer is the list.

    An id is a text; an integer in the payload is the text of its digits, so that 7 and "7" are one id.
    """

    path: Template
    input: str
    key: PayloadPath
    max: int
    items: PayloadPath | None = None

    @property
    def text(self) -> str:
        """What decides which answers it gives, injectively; `max` does not."""
        where = self.items.text if self.items else ""
        return canonical([self.path.text, self.input, self.key.text, where]).decode()

    def fits(self, value: str) -> bool:
        """Can it stand among ids? Not where it is empty or holds a comma: MBUs that decode before they split would
        read other ids than were asked for."""
        return bool(value) and "," not in value

    def target(self, values: Mapping[str, str], ids: Sequence[str]) -> str | None:
        """Path and query that ask for all `ids` (percent-encoded, with bare commas between them); `values` are the
        other inputs. None as for `Template.render_target`."""
        joined = ",".join(quote(each, safe="") for each in ids)
        return Template.parse(self.path.text.replace(_IDS, joined)).render_target(values)

    def split(self, payload: bytes) -> dict[str, bytes | None]:
        """Each id of the answer, with its element as `compact` writes it; None where elements differ that say the
        same id. Elements that say none are left out. BatchMistake if there is no list."""
        found: dict[str, bytes | None] = {}
        try:
            for element in self._elements(compact(payload)):
                if (said := self._id(element)) is not None:
                    text = bytes(element)
                    found[said] = text if found.get(said, text) == text else None
        except RecursionError:
            raise _too_deep() from None
        return found

    def _elements(self, payload: bytes) -> list[Raw]:
        holder = _at(Raw(payload), self.items) if self.items else Raw(payload)
        elements = None if holder is None else _apart(holder, list[Raw])
        if elements is None:
            where = f'"{self.items.text}"' if self.items else "the top"
            raise BatchMistake(f"the batch answer has no list at {where}; see the fragment's batch")
        return elements

    def _id(self, element: Raw) -> str | None:
        said = bytes(_at(element, self.key) or b"")
        if _INTEGER.fullmatch(said):
            return said.decode()
        return msgspec.json.decode(said, type=str) if said.startswith(b'"') else None


def compact(payload: bytes) -> bytes:
    """The JSON text without white space, every token as it was: what a single answer of a fragment with a batch is
    passed through, so that both ways give the same bytes. BatchMistake if it nests too deep."""
    try:
        return msgspec.json.format(payload, indent=-1)
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> BatchMistake:
    return BatchMistake("the answer nests too deep to be taken apart")


def _at(raw: Raw, path: PayloadPath) -> Raw | None:
    found = raw
    for name in path.steps:
        members = _apart(found, dict[str, Raw])
        if members is None or name not in members:
            return None
        found = members[name]
    return found


def _apart(raw: Raw, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:  # it is of another kind
        return None

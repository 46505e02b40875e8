"""What was written, whole and in its right parts: the ground that the checks across tables stand on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.declaration.tables import Declaration, ScreenTable, SlotTable
from aggregator.mistakes import Mistake, dotted, near, quoted


def slot_table(slot: str | SlotTable) -> SlotTable:
    """A slot as a table, also where only its fragment was named."""
    return SlotTable(fragment=slot) if isinstance(slot, str) else slot


@dataclass(frozen=True)
class Written:
    """file: as the operator named it. raw: everything, as it stands there. right: the tables that are valid."""

    file: str
    raw: Mapping[str, Any]
    right: Declaration

    def names(self, section: str) -> list[str]:
        """Every name in a section, those of wrong tables too: to name one of these is no second mistake."""
        tables = self.raw.get(section)
        return [str(name) for name in tables] if isinstance(tables, Mapping) else []

    def says(self, key: str, *place: str) -> bool:
        """Is there something at the key, be it right or wrong?"""
        return self._at(key, *place) is not None

    def _at(self, key: str, *place: str) -> Any:
        found: Any = self.raw
        for part in (*place, key):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def uses(self) -> Iterator[tuple[str, ScreenTable, str, str]]:
        """Every use of a fragment: the screen's name, the screen, the slot's name, the fragment's name."""
        for name, screen in self.right.screens.items():
            for slot, written in screen.slots.items():
                if self.says(slot, "screens", name, "slots"):
                    yield name, screen, slot, slot_table(written).fragment

    def sound(self, section: str, key: str) -> dict[str, Any]:
        """The tables of a section whose key is right, and no stand-in for one that is not."""
        tables: dict[str, Any] = getattr(self.right, section)
        return {name: table for name, table in tables.items() if self._at(key, section, name) == getattr(table, key)}

    def mistake(self, section: str, name: str, key: str, message: str, near_miss: str | None = None) -> Mistake:
        """A mistake at a key of a table; `key` may be dotted by us."""
        return Mistake(self.file, dotted([section, name]), key, message, near_miss)

    def unknown(self, place: tuple[str, str, str], kind: str, given: str, known: list[str]) -> Mistake:
        """A name that names nothing."""
        expected = ", ".join(known[:20]) or "none is declared"
        message = f"no {kind} is called {quoted(given)}; expected one of: {expected}"
        return self.mistake(*place, message, near(given, known))

    @property
    def folder(self) -> str:
        """Where relative file names start: the declaration's own directory, or the working one for a module."""
        return os.path.dirname(os.path.abspath(self.file)) if os.path.exists(self.file) else os.getcwd()

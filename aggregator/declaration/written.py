"""What was written, whole and in its right parts: the ground that the checks across tables stand on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.declaration.tables import Declaration, FragmentTable, ScreenTable, SlotTable
from aggregator.mistakes import Mistake, dotted, near, quoted
from aggregator.model.route import Route
from aggregator.model.source import Source
from aggregator.model.template import Template


def slot_table(slot: str | SlotTable) -> SlotTable:
    """A slot as a table, also where only its fragment was named."""
    return SlotTable(fragment=slot) if isinstance(slot, str) else slot


def inputs_of(table: FragmentTable) -> tuple[str, ...]:
    """The names of a fragment's inputs, as its path, tags and headers have them."""
    texts = [table.path, *table.tags, *table.headers.values()]
    return tuple(dict.fromkeys(name for text in texts for name in Template.parse(text).names))


def varying_inputs(table: FragmentTable) -> list[str]:
    """The inputs whose values a batch asks for together: those that its own path does not have."""
    shared = Template.parse(table.batch.path).names if table.batch else ()
    return [name for name in inputs_of(table) if name not in shared]


@dataclass(frozen=True)
class Use:
    """A slot of a screen, by their names and tables."""

    screen: str
    table: ScreenTable
    name: str
    slot: SlotTable

    @property
    def parameters(self) -> frozenset[str]:
        """The names in the screen's path."""
        return frozenset(parameter.name for parameter in Route.parse(self.table.path).parameters)

    def sources(self) -> dict[str, Source]:
        """What the slot says of where its inputs come from, by their keys in it."""
        said = {f"with.{name}": text for name, text in self.slot.given.items()}
        said |= {f"each.{name}": text for name, text in self.slot.each.items()}
        return {key: Source.parse(text, self.parameters) for key, text in said.items()}

    @property
    def bound(self) -> frozenset[str]:
        """The inputs that it says the source of."""
        return frozenset((*self.slot.given, *self.slot.each))


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

    def slots(self, screen: str) -> list[str]:
        """Every slot's name in a screen, those of wrong ones too."""
        slots = self._at("slots", "screens", screen)
        return [str(name) for name in slots] if isinstance(slots, Mapping) else []

    def says(self, key: str, *place: str) -> bool:
        """Is there something at the key, be it right or wrong?"""
        return self._at(key, *place) is not None

    def _at(self, key: str, *place: str) -> Any:
        found: Any = self.raw
        for part in (*place, key):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def uses(self) -> Iterator["Use"]:
        """Every slot."""
        for name, screen in self.right.screens.items():
            for slot, written in screen.slots.items():
                if self.says(slot, "screens", name, "slots"):
                    yield Use(name, screen, slot, slot_table(written))

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

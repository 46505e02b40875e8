"""Validation of the tables one by one, so that one mistake hides no other."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from aggregator.declaration.tables import (
    CorsTable,
    Declaration,
    DefaultsTable,
    FragmentTable,
    MbuTable,
    PublisherTable,
    ScreenTable,
    SecretTable,
    SlotTable,
    ViewerKeyTable,
    ViewerTable,
)
from aggregator.explain import Place, errors_of
from aggregator.mistakes import Mistake, near, quoted
from aggregator.settings import Settings

_NAMED: dict[str, type[BaseModel]] = {
    "mbus": MbuTable,
    "fragments": FragmentTable,
    "screens": ScreenTable,
    "publishers": PublisherTable,
}
_INNER: dict[tuple[str, str], type[BaseModel]] = {("mbus", "headers"): SecretTable, ("screens", "slots"): SlotTable}
# What stands in for a required key that is wrong, so that the rest of its table is checked all the same.
# `Written.sound` and `Written.uses` leave these out.
_STAND_INS: dict[type[BaseModel], dict[str, Any]] = {
    FragmentTable: {"mbu": "stand-in", "path": "/stand-in"},
    ScreenTable: {"path": "/stand-in", "slots": {"stand_in": "stand-in"}},
    PublisherTable: {"tags": ["stand-in"]},
    ViewerKeyTable: {"algorithm": "EdDSA"},
    ViewerTable: {"keys": [{"algorithm": "EdDSA"}]},
}
_SINGLE: dict[str, type[BaseModel]] = {"service": Settings, "defaults": DefaultsTable, "cors": CorsTable}


def validate(file: str, raw: Mapping[str, Any]) -> tuple[Declaration, list[Mistake]]:
    """The declaration, or what of it is right, and the mistakes in the rest."""
    try:
        return Declaration.model_validate(raw, strict=True), []
    except ValidationError as error:
        return _salvaged(raw), mistakes_of(file, error)


def mistakes_of(file: str, error: ValidationError) -> list[Mistake]:
    """The errors of one validation, as mistakes in a file."""
    return [_mistake(file, place, message, one["type"]) for place, message, one in errors_of(error)]


def _mistake(file: str, place: Place, message: str, kind: str) -> Mistake:
    table, key = _table_and_key(place)
    if kind == "extra_forbidden":
        return Mistake(file, table, key, message, near(place[-1], _known(place[:-1])))
    if kind == "missing":
        return Mistake(file, table, key, _missing(place))
    return Mistake(file, table, key, message)


def _table_and_key(place: Place) -> tuple[str, str]:
    """Where TOML has it: the table's dotted name, and the key with the indexes that follow it."""
    last = max((at for at, part in enumerate(place) if isinstance(part, str)), default=0)
    indexes = "".join(f"[{index}]" for index in place[last + 1 :])
    return _table(place[:last]), quoted(place[last]) + indexes if place else ""


def _table(place: Place) -> str:
    """Dotted, with each index at the name of its list."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{quoted(part)}" for part in place).removeprefix(".")


def _known(place: Place) -> list[str]:
    return list(model.model_fields) if (model := _model_at(place)) else []


def _model_at(place: Place) -> type[BaseModel] | None:
    match place:
        case ():
            return Declaration
        case ("viewer",):
            return ViewerTable
        case ("viewer", "keys", int()):
            return ViewerKeyTable
        case (str(section),):
            return _SINGLE.get(section)
        case (str(section), _):
            return _NAMED.get(section)
        case (str(section), _, str(inner), _):
            return _INNER.get((section, inner))
        case _:
            return None


def _missing(place: Place) -> str:
    model = _model_at(place[:-1])
    meaning = model.model_fields[str(place[-1])].description if model else None
    kind = "table" if len(place) == 1 and place[0] in _NAMED else "key"
    return f"missing {kind}; expected: {meaning}"


def _salvaged(raw: Mapping[str, Any]) -> Declaration:
    """What is right, for the checks across tables: wrong keys left out, or stood in for where they are required."""
    right: dict[str, Any] = {section: _usable_tables(model, raw.get(section)) for section, model in _NAMED.items()}
    right |= {section: _usable(model, raw.get(section, {})) or model() for section, model in _SINGLE.items()}
    return Declaration.model_construct(None, version=1, viewer=_usable_viewer(raw.get("viewer")), **right)


def _usable_viewer(table: Any) -> ViewerTable | None:
    """With each key at its place, be it right, stood in for, or no table at all."""
    rest, keys = _by_text(table), table.get("keys") if isinstance(table, Mapping) else None
    right = _usable(ViewerTable, {key: value for key, value in rest.items() if key != "keys"}) if rest else None
    if not isinstance(right, ViewerTable):
        return None
    listed = keys if isinstance(keys, list) else []
    tables = [_usable(ViewerKeyTable, key) or _usable(ViewerKeyTable, {}) for key in listed]
    return right.model_copy(update={"keys": tables})


def _usable_tables(model: type[BaseModel], tables: Any) -> dict[str, BaseModel]:
    found = {name: _usable(model, table) for name, table in _by_text(tables).items()}
    return {name: table for name, table in found.items() if table is not None}


def _usable(model: type[BaseModel], table: Any) -> BaseModel | None:
    if not isinstance(table, Mapping):
        return None
    rest = {key: dict(value) if isinstance(value, Mapping) else value for key, value in _by_text(table).items()}
    while True:
        try:
            return model.model_validate(rest, strict=True)
        except ValidationError as error:
            taken = [_take_away(rest, place) for place, _, _ in errors_of(error)]
        # Each turn takes something away, or is the last.
        if not any(taken):
            return model.model_validate(_STAND_INS.get(model, {}) | rest, strict=True)


def _by_text(table: Any) -> dict[str, Any]:
    # TOML's keys are all text; a dictionary from Python may have others.
    return {key: value for key, value in table.items() if isinstance(key, str)} if isinstance(table, Mapping) else {}


def _take_away(table: dict[str, Any], place: Place) -> bool:
    """Take the wrong key away, of slots and headers only the wrong one; False if there is none to take."""
    key, *inner = place or ("",)
    holder = table.get(str(key))
    if inner and isinstance(holder, dict) and inner[0] in holder:
        del holder[inner[0]]
        return True
    return table.pop(str(key), None) is not None

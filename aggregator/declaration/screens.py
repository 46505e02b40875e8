"""Compilation of screens: their slots, where the inputs of each come from, and what they take of a request."""

from collections.abc import Mapping

import orjson

from aggregator.declaration.tables import QueryTable, ScreenTable, SlotTable
from aggregator.declaration.written import slot_table
from aggregator.model.fragment import Fragment
from aggregator.model.inputs import Query, default_text
from aggregator.model.route import Parameter, Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.shape import Shape
from aggregator.model.source import Source

Fragments = Mapping[str, Fragment]


def screen_of(name: str, table: ScreenTable, fragments: Fragments, cross_origin: bool) -> Screen:
    """The screen that a table without mistakes declares. cross_origin: may pages of other origins read it?"""
    route = Route.parse(table.path)
    parameters = frozenset(parameter.name for parameter in route.parameters)
    slots = {slot: slot_table(said) for slot, said in table.slots.items()}
    return Screen(
        name,
        route,
        tuple(_slot(slot, said, parameters, fragments) for slot, said in slots.items()),
        client_max_age=table.client_max_age,
        queries=tuple(_query(parameter, said) for parameter, said in table.query.items()),
        headers=tuple(table.headers),
        cookies=tuple(table.cookies),
        deadline=table.deadline,
        tells_slots=table.slots_header and table.cache_headers,
        tells_cache=table.cache_headers,
        cross_origin=cross_origin,
    )


def _slot(name: str, table: SlotTable, parameters: frozenset[str], fragments: Fragments) -> Slot:
    def sources(said: Mapping[str, str]) -> dict[str, Source]:
        return {placeholder: Source.parse(text, parameters) for placeholder, text in said.items()}

    return Slot(
        name,
        fragments[table.fragment],
        required=table.required,
        given=sources(table.given),
        each=sources(table.each),
        max_items=table.max_items or Slot.max_items,
        place=tuple(table.at.split(".")) if table.at else None,
        shape=Shape.parse(table.pick, table.omit, table.rename),
        fallback_fragment=fragments[table.fallback_fragment] if table.fallback_fragment else None,
        fallback=None if table.fallback is None else orjson.dumps(table.fallback),
    )


def _query(name: str, table: QueryTable) -> Query:
    parameter = Parameter(name, table.type)
    return Query(parameter, None if table.default is None else default_text(parameter, table.default))

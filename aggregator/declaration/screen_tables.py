"""The tables of screens: their slots, where the inputs of each come from, and what they take of a request."""

import json
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, Tag

from aggregator.declaration.table import Table, text_or
from aggregator.declaration.texts import (
    CookieName,
    HeaderName,
    InputName,
    PlaceText,
    ScreenPath,
    SlotName,
    SourceText,
)
from aggregator.units import Duration, default, shown

MaxItems = Annotated[int, Field(ge=1, le=1_000)]
Sources = dict[str, SourceText]


def _json(given: Any) -> Any:
    try:
        json.dumps(given, allow_nan=False)
        orjson.dumps(given)  # which writes it, and holds fewer numbers
    except (TypeError, ValueError):
        raise ValueError("expected a value that JSON has: text, finite number, true, false, list or table") from None
    return given


Literal_ = Annotated[Any, AfterValidator(_json)]


def _query_default(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError(f"expected a text or a whole number, not {shown(given)}")
    return str(given)


QueryDefault = Annotated[str, BeforeValidator(_query_default)]


class SlotTable(Table):
    """A slot that says more than its fragment."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    fragment: str = Field(description="name of the fragment that fills the slot")
    required: bool = default(False, description="does its failure fail the screen?")
    given: Sources = Field(default={}, alias="with", description="where inputs of the fragment come from")
    each: Sources = default({}, description="inputs taken from a list: the slot is then a list, in its order")
    max_items: MaxItems | None = default(None, description="elements at most [100]")
    at: PlaceText | None = default(None, description='its place in data, such as "profile.user"; else its name')
    pick: list[str] = default([], description="the only members of its payload that are shown")
    omit: list[str] = default([], description="members of its payload that are left out")
    rename: dict[str, str] = default({}, description="other names for members of its payload")
    fallback_fragment: str | None = default(None, description="what is shown where it cannot be had, if that can")
    fallback: Literal_ = default(None, description="what is shown where it cannot be had: a value as it is")


SlotText = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[SlotTable, Tag("<table>")],
    text_or('a fragment\'s name, or a table such as { fragment = "user", required = true }'),
]


class QueryTable(Table):
    """A query parameter that a screen takes."""

    type: Literal["str", "int", "uuid"] = default("str", description="str, int or uuid")
    default: QueryDefault | None = default(None, description="its value where it is not given; without, it has to be")


class ScreenTable(Table):
    """[screens.<name>]: one composite, served at one path."""

    path: ScreenPath = Field(description='path it is served at, such as "/screens/home/{user_id}"')
    slots: dict[SlotName, SlotText] = Field(min_length=1, description="its slots, in order")
    query: dict[InputName, QueryTable] = default({}, description="query parameters it takes, as {query.NAME}")
    headers: list[HeaderName] = default([], description="request headers it takes, as {header.NAME}")
    cookies: list[CookieName] = default([], description="cookies it takes, as {cookie.NAME}")
    deadline: Duration | None = default(None, description="time to compose it; what is late then is a failed slot")
    slots_header: bool = default(True, description="does each answer say the state of its slots (Aggregator-Slots)?")
    cache_headers: bool = default(
        True, description="does each answer say how it was had (Cache-Status, Age, Aggregator-Slots)?"
    )
    client_max_age: Duration | None = default(None, description="how long a client may use an answer unasked")

"""OpenAPI of the declared screens: what each takes, and what it may answer."""

from collections.abc import Mapping
from typing import Any

from aggregator.model.catalogue import Catalogue
from aggregator.model.inputs import Query
from aggregator.model.route import MAX_PARAMETER_BYTES, Parameter, Route
from aggregator.model.screen import Screen, Slot

Table = dict[str, Any]

_TYPES: Mapping[str, Table] = {
    "str": {"type": "string", "minLength": 1, "maxLength": MAX_PARAMETER_BYTES},
    "int": {"type": "string", "pattern": "^-?[0-9]{1,18}$"},
    "uuid": {"type": "string", "format": "uuid"},
}
_PROBLEM: Table = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_SLOT_ERROR: Table = {
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "required": ["pointer"],
    "properties": {"pointer": {"type": "string", "description": "the slot in `data` (RFC 6901)"}},
}
_FAILURES: Mapping[str, str] = {
    "400": "A declared query parameter, header or cookie is not as declared.",
    "401": "The screen needs a viewer's token, and there is none that is good.",
    "404": "No such screen, or what it requires is not there.",
    "429": "The client asks for more than it may; Retry-After says when to come again.",
    "502": "An MBU that the screen requires failed.",
    "503": "The service sheds load, or has stopped asking an MBU that fails.",
    "504": "An MBU that the screen requires did not answer in time.",
    "508": "The request came from a load that this screen would wait for.",
}


def openapi(catalogue: Catalogue, version: str = "1") -> Table:
    """An OpenAPI 3.1 document, with one path a screen."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Screens", "version": version},
        "paths": {_path(screen.route): {"get": _operation(screen)} for screen in catalogue.screens.values()},
        "components": {
            "securitySchemes": {"viewer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": {"Problem": _PROBLEM, "SlotError": _SLOT_ERROR},
            "responses": {status: _failure(status) for status in _FAILURES},
        },
    }


def _path(route: Route) -> str:
    names = [part if isinstance(part, str) else f"{{{part.name}}}" for part in route.segments]
    return "/" + "/".join(names)


def _operation(screen: Screen) -> Table:
    failures = {status: {"$ref": f"#/components/responses/{status}"} for status in _FAILURES}
    return {
        "operationId": screen.name,
        **({"security": [{"viewer": []}]} if screen.claims else {}),
        "parameters": [*map(_parameter, screen.route.parameters), *_declared(screen), _IF_NONE_MATCH],
        "responses": {
            "200": _whole(screen),
            "304": {"description": "It is still what If-None-Match says."},
            **failures,
        },
    }


_IF_NONE_MATCH: Table = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> Table:
    return {"name": parameter.name, "in": "path", "required": True, "schema": _TYPES[parameter.type]}


def _declared(screen: Screen) -> list[Table]:
    """What it takes of a request besides its path."""
    queries = [_query(query) for query in screen.queries]
    fields = [("header", name) for name in screen.headers] + [("cookie", name) for name in screen.cookies]
    return [*queries, *({"name": name, "in": place, "schema": {"type": "string"}} for place, name in fields)]


def _query(query: Query) -> Table:
    schema = _TYPES[query.parameter.type] | ({} if query.default is None else {"default": query.default})
    return {"name": query.parameter.name, "in": "query", "required": query.default is None, "schema": schema}


def _whole(screen: Screen) -> Table:
    schema = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": _data(screen),
            "errors": {
                "type": "array",
                "description": "the optional slots that failed; absent where none did",
                "items": {"$ref": "#/components/schemas/SlotError"},
            },
        },
    }
    told = [
        *(["Age", "Cache-Status"] if screen.tells_cache else []),
        *(["Aggregator-Slots"] if screen.tells_slots else []),
    ]
    names = ("ETag", "Cache-Control", *told)
    headers = {name: {"schema": {"type": "string"}} for name in names}
    content = {kind: {"schema": schema} for kind in ("application/json", "application/msgpack")}
    return {"description": "The composed screen.", "headers": headers, "content": content}


def _data(screen: Screen) -> Table:
    """The object that the slots stand in, each at its place."""
    data: Table = {"type": "object", "required": [], "properties": {}}
    for slot in screen.slots:
        inner = data
        for name in slot.at[:-1]:
            inner = _member(inner, name, {"type": "object", "required": [], "properties": {}})
        _member(inner, slot.at[-1], _slot(slot))
    return data


def _member(holder: Table, name: str, schema: Table) -> Table:
    if name not in holder["properties"]:
        holder["required"].append(name)
    inner: Table = holder["properties"].setdefault(name, schema)
    return inner


def _slot(slot: Slot) -> Table:
    absent = "" if slot.required else "; null where there is nothing, or where it failed"
    if slot.each:
        element = f"the payload of {slot.fragment.name}; null where there is nothing, or where it failed"
        return {"type": ["array", "null"], "items": {"description": element}}
    return {"description": f"the payload of {slot.fragment.name}{absent}"}


def _failure(status: str) -> Table:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _FAILURES[status], "content": content}

"""OpenAPI of the declared screens: what each takes, and what it may answer."""

from collections.abc import Mapping
from typing import Any

from aggregator.model.catalogue import Catalogue
from aggregator.model.route import MAX_PARAMETER_BYTES, Parameter, Route
from aggregator.model.screen import Screen

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
    "404": "No such screen, or what it requires is not there.",
    "502": "An MBU that the screen requires failed.",
    "503": "The service sheds load, or has stopped asking an MBU that fails.",
    "504": "An MBU that the screen requires did not answer in time.",
}


def openapi(catalogue: Catalogue, version: str = "1") -> Table:
    """An OpenAPI 3.1 document, with one path a screen."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Screens", "version": version},
        "paths": {_path(screen.route): {"get": _operation(screen)} for screen in catalogue.screens.values()},
        "components": {
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
        "parameters": [*map(_parameter, screen.route.parameters), _IF_NONE_MATCH],
        "responses": {
            "200": _whole(screen),
            "304": {"description": "It is still what If-None-Match says."},
            **failures,
        },
    }


_IF_NONE_MATCH: Table = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}


def _parameter(parameter: Parameter) -> Table:
    return {"name": parameter.name, "in": "path", "required": True, "schema": _TYPES[parameter.type]}


def _whole(screen: Screen) -> Table:
    schema = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {
                "type": "object",
                "required": [slot.name for slot in screen.slots],
                "properties": {slot.name: _slot(slot.required, slot.fragment.name) for slot in screen.slots},
            },
            "errors": {
                "type": "array",
                "description": "the optional slots that failed; absent where none did",
                "items": {"$ref": "#/components/schemas/SlotError"},
            },
        },
    }
    headers = {name: {"schema": {"type": "string"}} for name in ("ETag", "Cache-Control", "Cache-Status")}
    content = {kind: {"schema": schema} for kind in ("application/json", "application/msgpack")}
    return {"description": "The composed screen.", "headers": headers, "content": content}


def _slot(required: bool, fragment: str) -> Table:
    absent = "" if required else "; null where there is nothing, or where it failed"
    return {"description": f"the payload of {fragment}{absent}"}


def _failure(status: str) -> Table:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _FAILURES[status], "content": content}

"""The OpenAPI document has one path a screen, with what it takes and what it may answer."""

import json
import tomllib
from typing import Any

from aggregator.declaration.openapi import openapi
from aggregator.declaration.read import declare_raw
from tests.samples.right import ENVIRON, RIGHT


def document(path: str = "/screens/home/{user_id}") -> Any:
    """The document of the sample, its screen at `path`, as JSON has it."""
    text = RIGHT.replace("/screens/home/{user_id}", path)
    catalogue = declare_raw("screens.toml", tomllib.loads(text), ENVIRON).catalogue
    return json.loads(json.dumps(openapi(catalogue)))


def test_a_parameter_has_its_type() -> None:
    """The path has plain names, the types stand in the schemas."""
    get = document("/s/{user_id:int}/x")["paths"]["/s/{user_id}/x"]["get"]
    assert get["parameters"][0]["name"] == "user_id"
    assert get["parameters"][0]["schema"] == {"type": "string", "pattern": "^-?[0-9]{1,18}$"}


def test_every_answer_is_described() -> None:
    """The composed screen, 304, and problems for whatever goes wrong."""
    responses = document()["paths"]["/screens/home/{user_id}"]["get"]["responses"]
    assert set(responses) == {"200", "304", "400", "401", "404", "429", "502", "503", "504", "508"}
    schema = responses["200"]["content"]["application/json"]["schema"]
    assert schema["properties"]["data"]["required"] == ["user"]
    assert "errors" in schema["properties"]


def test_every_reference_is_there() -> None:
    """No $ref points at nothing."""
    whole = document()

    def references(part: Any) -> list[str]:
        children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        own = [part["$ref"]] if isinstance(part, dict) and "$ref" in part else []
        return [*own, *(found for child in children for found in references(child))]

    for reference in references(whole):
        found = whole
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_no_mbu_is_told_of() -> None:
    """Clients learn screens, not where they come from or how."""
    assert "127.0.0.1" not in json.dumps(document())

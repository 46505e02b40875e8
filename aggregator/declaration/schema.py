"""The JSON Schema of a declaration, for editors."""

from typing import Any

from aggregator.declaration.tables import Declaration


def declaration_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a whole file."""
    schema = _plain(Declaration.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "screens.toml"}


def _plain(schema: Any) -> Any:
    """The same without null, which TOML does not have, and without titles that only repeat a key."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema if part != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(part) for key, part in schema.items() if not _says_nothing(key, part)}
    if len(only := plain.get("anyOf", ())) == 1:
        del plain["anyOf"]
        plain = {**only[0], **plain}
    return plain


def _says_nothing(key: str, part: Any) -> bool:
    return (key == "default" and (part is None or isinstance(part, dict))) or (key == "title" and isinstance(part, str))

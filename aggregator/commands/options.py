"""The options of a service: one flag a setting, made from the settings themselves."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

import click

from aggregator.commands.layers import flag, load_settings
from aggregator.settings import Settings

__all__ = ["load_settings", "settings_options"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def settings_options(first: F) -> F: ...
@overload
def settings_options(first: str, *more: str) -> Callable[[F], F]: ...
def settings_options(first: Any, *more: str) -> Any:
    """Give a command an option for every setting, or `@settings_options("redis_url", …)` for these.

    It gets them by name, as texts, None where the flag was not given: for `load_settings`.
    """
    if isinstance(first, str):
        return lambda command: _with_options(command, (first, *more))
    return _with_options(first, tuple(Settings.model_fields))


def _with_options(command: F, names: tuple[str, ...]) -> F:
    schemas = Settings.model_json_schema()["properties"]
    for name in reversed(names):
        field = Settings.model_fields[name]
        shown = "" if field.default is None else f" [{field.default}]"
        words = f"{field.description}{shown}"
        command = click.option(flag(name), name, default=None, metavar=_metavar(schemas[name]), help=words)(command)
    return command


def _metavar(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "|".join(schema["enum"])
    if "pattern" in schema:
        return str(schema["examples"][0])
    return "N" if schema.get("type") == "integer" else "TEXT"

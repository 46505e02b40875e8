"""The options of a service: one flag a setting, made from the settings themselves."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints, overload

import click

from aggregator.commands.layers import flag, load_settings
from aggregator.networks import Networks
from aggregator.settings import Host, Namespace, Port, ServerUrl, Settings
from aggregator.units import Duration, DurationOrZero, Size

__all__ = ["load_settings", "settings_options"]

_KINDS = (
    (Duration, "DURATION"),
    (DurationOrZero, "DURATION"),
    (Size, "SIZE"),
    (Host, "HOST"),
    (Port, "PORT"),
    (ServerUrl, "URL"),
    (Namespace, "NAME"),
    (Networks, "NETWORKS"),
    (bool, "true|false"),
    (int, "COUNT"),
    (float, "SHARE"),
    (str, "FILE"),  # the only plain texts are names of files
)

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
    hints = get_type_hints(Settings, include_extras=True)
    for name in reversed(names):
        field = Settings.model_fields[name]
        shown = "" if field.default in (None, ()) else f" [{field.default}]"
        words = f"{field.description}{shown}"
        command = click.option(flag(name), name, default=None, metavar=_kind(hints[name]), help=words)(command)
    return command


def _kind(hint: Any) -> str:
    """What a setting's text is, from its type, such as "DURATION" or "reload|serve"."""
    if get_origin(hint) is Literal:
        return "|".join(get_args(hint))
    return next(kind for one in (hint, *get_args(hint)) for known, kind in _KINDS if one == known)

"""A reference "module:attribute" names an object of Python code, which is imported when it is needed."""

import importlib
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_REFERENCE = re.compile(rf"({_NAME}):({_NAME})")


class NotImportable(Exception):
    """The message says what is wrong. missing: the attribute that is not there, of those that are `known`."""

    def __init__(self, message: str, missing: str = "", known: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.missing, self.known = missing, tuple(known)


def reference(text: str) -> str:
    """The text if it has the form of a reference; ValueError otherwise."""
    if not _REFERENCE.fullmatch(text):
        raise ValueError('expected "module:attribute", such as "shop.users:app"')
    return text


def imported(reference: str) -> Any:
    """The object that "module:attribute" names; the attribute may be dotted. The working directory is searched too.

    NotImportable if there is none, or if the module's own code raises; its cause is then what was raised.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise NotImportable(f'{reference!a} is no "module:attribute"')
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return _attribute(importlib.import_module(match[1]), match[1], match[2])
    except NotImportable:
        raise
    except (Exception, SystemExit) as error:
        # Whatever the module's own code does wrong is a mistake of who named it, not a defect of ours.
        said = " ".join(str(error).split())
        raise NotImportable(f"{match[1]} cannot be imported: {type(error).__name__}: {said}") from error


def _attribute(found: Any, place: str, dotted: str) -> Any:
    for name in dotted.split("."):
        if not hasattr(found, name):
            raise NotImportable(f'{place} has no attribute "{name}"', name, dir(found))
        found, place = getattr(found, name), f"{place}.{name}"
    return found

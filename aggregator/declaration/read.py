"""Reading a declaration: from its source to a catalogue, or every mistake at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from aggregator.declaration.checks import check
from aggregator.declaration.compile import compile_catalogue
from aggregator.declaration.credentials import check_present, check_shape
from aggregator.declaration.forms import check_forms, check_importable
from aggregator.declaration.source import content_of, is_module, parsed, read_module
from aggregator.declaration.tables import Declaration, DefaultsTable
from aggregator.declaration.validate import mistakes_of, validate
from aggregator.declaration.viewer import check_viewer, check_viewer_present
from aggregator.declaration.warnings import warnings
from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake, Mistaken
from aggregator.model.catalogue import Catalogue
from aggregator.settings import FROM_FILE, Settings


@dataclass(frozen=True)
class Declared:
    """What a source declares. source: as the operator named it. service: what its [service] table sets, and the
    defaults; `service.model_fields_set` names what was set. defaults: of fragments and MBUs, those in force.
    warnings: what will run, but hardly as meant. content: the file's bytes; empty where it is no file."""

    source: str
    catalogue: Catalogue
    service: Settings
    defaults: DefaultsTable
    warnings: tuple[Mistake, ...]
    content: bytes = b""


def declare(source: str, environ: Mapping[str, str] | None) -> Declared:
    """Read a TOML file or `module:attribute` (a Declaration, a dictionary of the same shape, or a Catalogue).

    environ: where the variables that it names are looked for; None leaves credentials unlooked-for, files too, and
    imports no application or call.
    Mistaken, with every mistake there is, if it cannot be used.
    """
    if not is_module(source):
        return declare_content(source, content_of(source), environ)
    try:
        found = read_module(source)
    except ValidationError as error:
        raise Mistaken(mistakes_of(source, error)) from None
    if isinstance(found, Catalogue):
        return Declared(source, found, Settings(), DefaultsTable(), ())
    return declare_raw(source, found, environ)


def declare_content(source: str, content: bytes, environ: Mapping[str, str] | None) -> Declared:
    """The same, of a file's bytes, whatever it holds by now."""
    return replace(declare_raw(source, parsed(source, content), environ), content=content)


def declare_raw(source: str, found: Any, environ: Mapping[str, str] | None) -> Declared:
    """The same, of what has been read: a Declaration, or a dictionary of the same shape."""
    written, mistakes = _written(source, found)
    mistakes += [*check(written), *check_shape(written), *check_forms(written), *check_viewer(written)]
    mistakes += [*check_present(written, environ), *check_importable(written)] if environ is not None else []
    mistakes += check_viewer_present(written, environ) if environ is not None else []
    if mistakes:
        raise Mistaken(mistakes)
    catalogue = compile_catalogue(written.right, written.folder)
    service = _in_folder(written.right.service, written.folder)
    return Declared(source, catalogue, service, written.right.defaults, warnings(written, catalogue))


def _in_folder(service: Settings, folder: str) -> Settings:
    files = {key: getattr(service, key) for key in FROM_FILE.values()}
    return service.model_copy(update={key: os.path.join(folder, file) for key, file in files.items() if file})


def _written(source: str, found: Any) -> tuple[Written, list[Mistake]]:
    if isinstance(found, Declaration):
        return Written(source, found.model_dump(exclude_unset=True), found), []
    if not isinstance(found, Mapping):
        message = (
            f"is {type(found).__name__}; expected: a Declaration, a Catalogue, or a dictionary shaped like the file"
        )
        raise Mistaken([Mistake(source, "", "", message)])
    right, mistakes = validate(source, found)
    return Written(source, found, right), mistakes

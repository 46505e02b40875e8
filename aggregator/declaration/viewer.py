"""The checks of viewers' keys: each has one source that fits its algorithm, which is there and holds what it should."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from aggregator.declaration.tables import ViewerKeyTable, ViewerTable
from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake, near, quoted
from aggregator.model.key_rules import hash_key_mistake, is_symmetric, public_key, secret_mistake, without_line_end

Found = Iterator[Mistake]
_SECRETS, _PUBLIC = ("secret_env", "secret_file"), ("public_key_file", "jwks_url")
_SOURCES = (*_SECRETS, *_PUBLIC)
_LARGEST = 2**20


class _Unusable(Exception):
    """Why there is nothing to be had, and the near miss."""


class _Holder(NamedTuple):
    """A variable or file: where it is declared, and its rule: why its content is none that fits, if so."""

    table: str
    key: str
    name: str
    rule: Callable[[bytes], str | None]


def check_viewer(written: Written) -> Found:
    """Exactly one source a key, a secret for HS algorithms only, and one hash key at most."""
    for table, raw, key in _keys(written):
        given = [source for source in _SOURCES if raw.get(source) is not None]
        if len(given) != 1:
            message = f"expected exactly one of {', '.join(_SOURCES)}, not {' and '.join(given) or 'none'}"
            yield Mistake(written.file, table, given[-1] if given else "", message)
        elif _sound(raw, key) and given[0] not in (fitting := _fitting(key.algorithm)):
            message = f"is nothing to verify {key.algorithm} with; expected: {' or '.join(fitting)}"
            yield Mistake(written.file, table, given[0], message)
    if all(written.says(key, "viewer") for key in ("hash_key_env", "hash_key_file")):
        yield Mistake(written.file, "viewer", "hash_key_file", "expected one of hash_key_env and this, not both")


def check_viewer_present(written: Written, environ: Mapping[str, str]) -> Found:
    """Every variable named is set, every file named can be read, and holds a key that is good for its place."""
    for table, key, name, rule in _holders(written):
        try:
            content = _of_variable(name, environ) if key.endswith("_env") else _of_file(written.folder, name)
            why, guess = rule(content) if content else "is empty", None
        except _Unusable as unusable:
            why, guess = unusable.args
        if why:
            yield Mistake(written.file, table, key, f"{_holder(written, key, name)} {why}", guess)


def _keys(written: Written) -> Iterator[tuple[str, Mapping[str, Any], ViewerKeyTable]]:
    """Each key: its table's name, as it was written, and what of it is right."""
    viewer = written.right.viewer
    for at, (raw, key) in enumerate(zip(_listed(written), viewer.keys if viewer else (), strict=False)):
        if isinstance(raw, Mapping):
            yield f"viewer.keys[{at}]", raw, key


def _listed(written: Written) -> list[Any]:
    viewer = written.raw.get("viewer")
    keys = viewer.get("keys") if isinstance(viewer, Mapping) else None
    return keys if isinstance(keys, list) else []


def _sound(raw: Mapping[str, Any], key: ViewerKeyTable) -> bool:
    return raw.get("algorithm") == key.algorithm  # and no stand-in for one that is wrong


def _fitting(algorithm: str) -> tuple[str, ...]:
    return _SECRETS if is_symmetric(algorithm) else _PUBLIC


def _holders(written: Written) -> Iterator[_Holder]:
    for table, raw, key in _keys(written):
        for source in ("public_key_file", *_SECRETS):
            if name := getattr(key, source):
                fits = _sound(raw, key) and source in _fitting(key.algorithm)
                yield _Holder(table, source, name, _rule(key.algorithm) if fits else lambda _: None)
    viewer = written.right.viewer or ViewerTable.model_construct(None)
    for source in ("hash_key_env", "hash_key_file"):
        if name := getattr(viewer, source):
            yield _Holder("viewer", source, name, lambda content: hash_key_mistake(without_line_end(content)))


def _rule(algorithm: str) -> Callable[[bytes], str | None]:
    if is_symmetric(algorithm):
        return lambda content: secret_mistake(algorithm, without_line_end(content))
    return lambda content: _no_public_key(algorithm, content)


def _no_public_key(algorithm: str, pem: bytes) -> str | None:
    try:
        public_key(algorithm, pem)
    except ValueError as wrong:
        return f"cannot be used: {wrong}"
    return None


def _holder(written: Written, key: str, name: str) -> str:
    if key.endswith("_env"):
        return f"the variable {quoted(name)}"
    return f"the file {os.path.join(written.folder, name)}"


def _of_variable(name: str, environ: Mapping[str, str]) -> bytes:
    if name not in environ:
        raise _Unusable("is not set", near(name, environ))
    return os.fsencode(environ[name])


def _of_file(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as error:
        raise _Unusable(f"cannot be read: {getattr(error, 'strerror', None) or error}", None) from None

"""A credential is read where it is declared to be: a variable, or a file, which is read again when it has changed."""

import os
from collections.abc import Callable, Mapping

import structlog

from aggregator.declaration.texts import header_value
from aggregator.model.catalogue import Secret

_log = structlog.get_logger()


class Unreadable(OSError):
    """A credential cannot be had now. The text names no file, since clients may see it: the log does."""


class Credential:
    """What one secret holds. A file that cannot be read is logged once, until it can be read again."""

    def __init__(self, secret: Secret) -> None:
        self._env, self._file = secret.env or "", secret.file
        self._seen: tuple[int, int, int] | None = None
        self._content = b""
        self._lost = False

    def read(self) -> bytes:
        """The bytes as they are now; Unreadable if the file cannot be read. Costs one `stat` while nothing changes."""
        if self._file is None:
            return os.fsencode(os.environ.get(self._env, ""))
        try:
            content = self._current(self._file)
        except OSError as error:
            self._note(error.strerror or type(error).__name__)
            raise Unreadable("the file cannot be read") from None
        self._note(None)
        return content

    def _current(self, file: str) -> bytes:
        status = os.stat(file)
        state = status.st_ino, status.st_size, status.st_mtime_ns
        if state != self._seen:
            with open(file, "rb") as opened:
                self._content = opened.read()
            # What it was before it was read: if it changed in between, it is read once more, and never once too little.
            self._seen = state
        return self._content

    def _note(self, why: str | None) -> None:
        if why and not self._lost:
            _log.warning("credential cannot be read", file=self._file, why=why)
        if self._lost and not why:
            _log.info("credential can be read again", file=self._file)
        self._lost = why is not None


def revealing(headers: Mapping[str, str | Secret]) -> Callable[[], dict[str, str]]:
    """Gives the headers with what their secrets hold when it is called; Unreadable names the header that cannot be."""
    literals = {name: value for name, value in headers.items() if isinstance(value, str)}
    credentials = {name: Credential(value) for name, value in headers.items() if isinstance(value, Secret)}
    return lambda: literals | {name: _as_header(name, credential) for name, credential in credentials.items()}


def _as_header(name: str, credential: Credential) -> str:
    try:
        return header_value(credential.read().decode("latin-1").strip())
    except Unreadable as error:
        raise Unreadable(f"header {name}: {error}") from None
    except ValueError as mistake:
        raise Unreadable(f"header {name}: its credential is wrong: {mistake}") from None

"""The checks of credentials: each variable is set and each file can be read, before anything is started."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from aggregator.declaration.certificates import no_certificate, no_key
from aggregator.declaration.tables import MbuTable, SecretTable
from aggregator.declaration.texts import header_value
from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake, near, quoted
from aggregator.model.publisher_keys import parsed

Found = Iterator[Mistake]
Read = Callable[[bytes], object]  # ValueError says what is wrong with a credential
_PAIR = {"client_cert_file": "client_key_file", "client_key_file": "client_cert_file"}


def check_shape(written: Written) -> Found:
    """Exactly one source a credential, and a client's certificate only with its key."""
    for name, publisher in written.right.publishers.items():
        if not (written.says("key_env", "publishers", name) ^ written.says("key_file", "publishers", name)):
            yield written.mistake("publishers", name, "key_env", _one_of("key_env", "key_file", publisher.key_env))
    for name, mbu in written.right.mbus.items():
        for header, secret in _secrets(mbu):
            if (secret.env is None) == (secret.file is None):
                yield written.mistake("mbus", name, _key(header), _one_of("env", "file", secret.env))
        for key, other in _PAIR.items():
            if written.says(key, "mbus", name) and not written.says(other, "mbus", name):
                message = f"is of no use alone; expected: {other} beside it"
                yield written.mistake("mbus", name, key, message)


def check_present(written: Written, environ: Mapping[str, str]) -> Found:
    """Every variable named is set, every file named can be read, and both hold what fits their place."""
    for name, publisher in written.right.publishers.items():
        for key, secret in (
            ("key_env", SecretTable(env=publisher.key_env)),
            ("key_file", SecretTable(file=publisher.key_file)),
        ):
            if wrong := _unusable(written, secret, environ, partial(parsed, publisher.signed)):
                yield written.mistake("publishers", name, key, *wrong)
    for name, mbu in written.right.mbus.items():
        yield from _mbu_files(written, name, mbu)
        for header, secret in _secrets(mbu):
            if wrong := _unusable(written, secret, environ, _in_header):
                yield written.mistake("mbus", name, _key(header), *wrong)


def _mbu_files(written: Written, name: str, mbu: MbuTable) -> Found:
    named = {key: file for key in ("ca_file", *_PAIR) if (file := getattr(mbu, key))}
    files = {key: os.path.join(written.folder, file) for key, file in named.items()}
    for key, path in files.items():
        own_key = key == "client_key_file"
        if why := no_key(path, files.get("client_cert_file")) if own_key else no_certificate(path):
            yield written.mistake("mbus", name, key, why)


def _secrets(mbu: MbuTable) -> Iterator[tuple[str, SecretTable]]:
    for header, text in mbu.headers.items():
        if isinstance(text, SecretTable):
            yield header, text


def _key(header: str) -> str:
    return f"headers.{quoted(header)}"


def _one_of(first: str, second: str, given: str | None) -> str:
    return f"expected exactly one of {first} and {second}, not {'both' if given is not None else 'neither'}"


def _unusable(
    written: Written, secret: SecretTable, environ: Mapping[str, str], read: Read
) -> tuple[str, str | None] | None:
    """Why the credential cannot be used, and the near miss; never its value."""
    if secret.env is not None:
        value = environ.get(secret.env, "")
        if not value:
            state = "empty" if secret.env in environ else "not set"
            return f"the variable {quoted(secret.env)} is {state}", near(
                secret.env, environ
            ) if state == "not set" else None
        return _unfit(f"the variable {quoted(secret.env)}", value, read)
    return _unusable_file(os.path.join(written.folder, secret.file), read) if secret.file is not None else None


def _unusable_file(path: str, read: Read) -> tuple[str, str | None] | None:
    try:
        with open(path, encoding="utf-8") as file:
            value = file.read(2**20).strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        return f"the file {path} cannot be read: {reason}", None
    return _unfit(f"the file {path}", value, read)


def _in_header(value: bytes) -> str:
    return header_value(value.decode(errors="surrogateescape"))


def _unfit(holder: str, value: str, read: Read) -> tuple[str, str | None] | None:
    if not value:
        return f"{holder} is empty", None
    try:
        read(value.encode(errors="surrogateescape"))
    except ValueError as error:
        return f"what {holder} holds is wrong: {error}", None
    return None

"""The keys of a publisher as they are held now; a file that went wrong leaves those before it in force."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import structlog

from aggregator.credentials import Credential, Unreadable
from aggregator.model.catalogue import Publisher
from aggregator.model.key_rules import public_key, secret_mistake

_log = structlog.get_logger()
_PEM = re.compile(rb"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)
Key = object  # bytes of a secret, or a public key
Parse = Callable[[bytes], tuple[Key, ...]]


def _lines(content: bytes) -> tuple[bytes, ...]:
    return tuple(line.strip() for line in content.splitlines() if line.strip())


def _secrets(content: bytes) -> tuple[Key, ...]:
    for number, line in enumerate(_lines(content), 1):
        if why := secret_mistake("HS256", line):
            raise ValueError(f"the key on line {number} {why}")
    return _lines(content)


def _public_keys(content: bytes) -> tuple[Key, ...]:
    return tuple(public_key("Ed25519", pem) for pem in _PEM.findall(content))


_PARSE: Mapping[str | None, Parse] = MappingProxyType({None: _lines, "hmac-sha256": _secrets, "ed25519": _public_keys})


def parsed(signed: str | None, content: bytes) -> tuple[Key, ...]:
    """The keys in the content, one at least: lines, or for ed25519 PEM blocks. ValueError says what is wrong."""
    if keys := _PARSE[signed](content):
        return keys
    raise ValueError("it holds no key")


class PublisherKeys:
    """Several may be valid at once, so that one is changed without a moment in which neither is."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._credential = Credential(publisher.key)
        self._content: bytes | None = None
        self._keys: tuple[Key, ...] = ()

    def now(self) -> tuple[Key, ...]:
        """The keys, none of them older than the last file that was right. Costs one `stat` while nothing changes."""
        try:
            content = self._credential.read()
        except Unreadable:
            return self._keys  # it is logged
        if content != self._content:
            self._content = content
            self._take(content)
        return self._keys

    def _take(self, content: bytes) -> None:
        try:
            self._keys = parsed(self._publisher.signed, content)
        except ValueError as wrong:
            name, file = self._publisher.name, self._publisher.key.file
            _log.warning("publisher's keys are wrong; those before stay", publisher=name, file=file, why=str(wrong))

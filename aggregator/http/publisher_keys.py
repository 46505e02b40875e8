"""The keys of a publisher as they are held now; a file that went wrong leaves those before it in force."""

import structlog

from aggregator.credentials import Credential, Unreadable
from aggregator.model.catalogue import Publisher
from aggregator.model.publisher_keys import Key, parsed

_log = structlog.get_logger()


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

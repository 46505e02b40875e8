"""A catalogue is everything that one file declares: MBUs, screens over their fragments, and publishers."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aggregator.model.screen import Fragment, Screen


@dataclass(frozen=True)
class Secret:
    """Where a credential is found: `env` is a variable's name, `file` a path.

    The file is looked at whenever the credential is used, and read again when it has changed; a variable is not
    expected to change while the program runs."""

    env: str | None = None
    file: str | None = None


@dataclass(frozen=True)
class Mbu:
    """One Minimal Business Unit and how to ask it.

    url: scheme, host, port and perhaps a path before every fragment's. deadline: seconds for queueing and answer
    together. max_in_flight: calls at once from one process. max_payload: bytes, decompressed.
    headers: sent with every call, each a literal or a secret.
    """

    name: str
    url: str
    deadline: float
    max_in_flight: int
    max_payload: int
    headers: Mapping[str, str | Secret]
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None


@dataclass(frozen=True)
class Publisher:
    """Who may invalidate what: `tags` are patterns in which * stands for any text."""

    name: str
    key: Secret
    tags: tuple[str, ...]

    def may(self, tag: str) -> bool:
        """Does one of the patterns grant this tag?"""
        return any(_grants(pattern, tag) for pattern in self.tags)


def _grants(pattern: str, tag: str) -> bool:
    # Of fnmatch's signs only * means something here: ? and [ are ordinary characters of a tag.
    return fnmatchcase(tag, pattern.replace("[", "[[]").replace("?", "[?]"))


@dataclass(frozen=True)
class Catalogue:
    """What is declared, by name."""

    mbus: Mapping[str, Mbu]
    fragments: Mapping[str, Fragment]
    screens: Mapping[str, Screen]
    publishers: Mapping[str, Publisher]

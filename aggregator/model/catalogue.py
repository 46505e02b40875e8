"""A catalogue is everything that one file declares: MBUs, screens over their fragments, and publishers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TypeVar

from aggregator.model.audit import NO_AUDIT, Audit
from aggregator.model.cors import Cors
from aggregator.model.fragment import Fragment
from aggregator.model.screen import Screen

T = TypeVar("T")


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
    max_refreshes: loads at once from one process that nobody waits for.
    settle: seconds after an invalidation until which what it answers may be old still.
    app, call: "module:attribute" of an ASGI application, or of a callable, in this process; one of url, app and call.
    """

    name: str
    url: str | None
    deadline: float
    max_in_flight: int
    max_payload: int
    headers: Mapping[str, str | Secret]
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    app: str | None = None
    call: str | None = None
    max_refreshes: int = 16
    settle: float = 0.0

    @property
    def place(self) -> str:
        """Where it is, for people: its URL, or what it is in this process."""
        return self.url or (f"app {self.app}" if self.app else f"call {self.call}")


@dataclass(frozen=True)
class ViewerKey:
    """One way to verify a viewer's token; exactly one of public_key_file, secret and jwks_url is set.

    algorithm: the only one that it is good for (RFC 7518, RFC 8037). leeway: seconds that clocks may differ by."""

    algorithm: str
    public_key_file: str | None = None
    secret: Secret | None = None
    jwks_url: str | None = None
    audience: str | None = None
    issuer: str | None = None
    leeway: float = 0.0


@dataclass(frozen=True)
class Publisher:
    """Who may invalidate what: `tags` are patterns in which * stands for any text.

    signed: how its requests are signed (RFC 9421, section 3.3); None = they bring the key itself.
    rate: requests a second that one process of the service takes from it, and as many at once after a pause."""

    name: str
    key: Secret
    tags: tuple[str, ...]
    signed: str | None = None
    rate: int = 200

    def may(self, tag: str) -> bool:
        """Does one of the patterns grant this tag?"""
        return any(_grants(pattern, tag) for pattern in self.tags)


def _grants(pattern: str, tag: str) -> bool:
    # Of fnmatch's signs only * means something here: ? and [ are ordinary characters of a tag.
    return fnmatchcase(tag, pattern.replace("[", "[[]").replace("?", "[?]"))


@dataclass(frozen=True)
class Catalogue:
    """What is declared, by name; how viewers are told; whose pages may read answers (None = nobody's); what is audited.

    hash_key: makes the hashes that stand for cookies and forwarded headers in keys; None = a new one at each start."""

    mbus: Mapping[str, Mbu]
    fragments: Mapping[str, Fragment]
    screens: Mapping[str, Screen]
    publishers: Mapping[str, Publisher]
    viewer_keys: tuple[ViewerKey, ...] = ()
    hash_key: Secret | None = None
    cors: Cors | None = None
    audit: Audit = NO_AUDIT

    def keeping(self, before: "Catalogue") -> "Catalogue":
        """The same, but made of the very objects of the one before where they are equal, so that what belongs to one
        of those can go on to belong to it."""
        return replace(
            self,
            mbus=_kept(self.mbus, before.mbus),
            fragments=_kept(self.fragments, before.fragments),
            screens=_kept(self.screens, before.screens),
        )


def _kept(now: Mapping[str, T], before: Mapping[str, T]) -> dict[str, T]:
    return {name: before[name] if before.get(name) == one else one for name, one in now.items()}

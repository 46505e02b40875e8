"""A form is one way to write an answer's body: JSON or MessagePack, in a content coding."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import cast

import msgpack
import orjson

from aggregator.http.codings import Coding, encode, preferred, worth
from aggregator.http.negotiation import MSGPACK, wants_msgpack

# Names of forms are also the suffixes of their entity tags; JSON as it is has none.
JSON, PACKED = "", "msgpack"
_CODINGS = ("zstd", "br", "gzip")
# Bytes of Accept and Accept-Encoding that are read; longer ones are nobody's habit, and would take long.
_LONGEST = 1_024
# Given a body's digest and the form it would be sent in: the form of a copy that does as well, None = there is none.
Copies = Callable[[bytes, str], str | None]
_ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_OURS = re.compile(r"([0-9a-f]{32})(?:-([a-z-]+))?")
FORMS = frozenset([JSON, PACKED, *_CODINGS, *(f"{PACKED}-{coding}" for coding in _CODINGS)])


def wanted(accept: str, accept_encoding: bytes) -> str:
    """The form that a client takes best, by its Accept and Accept-Encoding fields; JSON as it is where these have more
    than 1,024 bytes together."""
    return _wanted(accept, accept_encoding) if len(accept) + len(accept_encoding) <= _LONGEST else JSON


@lru_cache(1_024)
def _wanted(accept: str, accept_encoding: bytes) -> str:
    coding = preferred(accept_encoding) if accept_encoding else "identity"
    packed = PACKED if wants_msgpack(accept) else ""
    return "-".join(filter(None, [packed, "" if coding == "identity" else coding]))


def coding_of(form: str) -> Coding:
    """The content coding of a form."""
    return cast(Coding, form.removeprefix(PACKED).removeprefix("-") or "identity")


def plain(form: str) -> str:
    """The same form without a coding."""
    return PACKED if form.startswith(PACKED) else JSON


def made(form: str, body: bytes) -> bytes | None:
    """A JSON body in the form; None where that is not worth it, or cannot be: MessagePack does not nest so deep."""
    whole = _packed(body) if form.startswith(PACKED) else body
    if whole is None or (coding := coding_of(form)) == "identity":
        return whole
    return encode(coding, whole) if worth(whole) else None


def fields(form: str) -> dict[str, str]:
    """What a response says of its body's form."""
    coding = coding_of(form)
    kind = MSGPACK[0] if form.startswith(PACKED) else "application/json"
    return {"content-type": kind} | ({} if coding == "identity" else {"content-encoding": coding})


def etag(digest: bytes, form: str = JSON) -> str:
    """The strong entity tag of a form (RFC 9110, section 8.8.3): the digest of the JSON, and the form's name."""
    return f'"{digest.decode()}-{form}"' if form else f'"{digest.decode()}"'


def no_copies(digest: bytes, sent: str) -> None:
    """Nothing."""


def copies(if_none_match: str, wanted: str) -> Copies:
    """What a client has that wants this form (RFC 9110, section 13.1.2); any copy does for `*`."""
    if if_none_match.strip() == "*":
        return lambda _, sent: sent
    if not (own := own_copies(if_none_match)):
        return no_copies
    return lambda digest, sent: usable_copy(own.get(digest, ()), sent, wanted)


def usable_copy(had: Collection[str], sent: str, wanted: str) -> str | None:
    """Of the forms of a client's copies the one that serves it: as it would be sent, or as it is wanted, which may not
    be made yet, or that without a coding, which it may have been sent before. Any other is of what another request
    wants: a client that holds several keeps the wrong one for current."""
    for form in (sent, wanted):
        if form in had:
            return form
    return bare if (bare := plain(sent)) in had else None


def own_copies(if_none_match: str) -> dict[bytes, list[str]]:
    """Of those entity tags that are named and ours: for a digest the forms of its copies, by weak comparison."""
    found: dict[bytes, list[str]] = {}
    for tag in _ENTITY_TAG.findall(if_none_match):
        if (ours := _OURS.fullmatch(tag)) and (form := ours[2] or JSON) in FORMS:
            found.setdefault(ours[1].encode(), []).append(form)
    return found


def _packed(body: bytes) -> bytes | None:
    try:
        packed: bytes = msgpack.packb(orjson.loads(body))
    except ValueError:
        return None
    return packed

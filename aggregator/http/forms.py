"""A form is one way to write an answer's body: JSON or MessagePack, in a content coding."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import cast

import msgpack
import orjson

from aggregator.http.codings import Coding, encode, preferred, worth
from aggregator.http.negotiation import MSGPACK, wants_msgpack

# Names of forms are also the suffixes of their entity tags; JSON as it is has none.
JSON, PACKED = "", "msgpack"
# Whichever form the answer is in.
ANY = "*"
_CODINGS = ("zstd", "br", "gzip")
Copies = Callable[[bytes], str | None]
_NONE: dict[bytes, str] = {}
NO_COPIES: Copies = _NONE.get
_ENTITY_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_OURS = re.compile(r"([0-9a-f]{32})(?:-([a-z-]+))?")
FORMS = frozenset([JSON, PACKED, *_CODINGS, *(f"{PACKED}-{coding}" for coding in _CODINGS)])


@lru_cache(1_024)
def wanted(accept: str, accept_encoding: bytes) -> str:
    """The form that a client takes best, by its Accept and Accept-Encoding fields."""
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


def copies(if_none_match: str) -> Copies:
    """What the client has, by weak comparison (RFC 9110, section 13.1.2): for a digest the form of its copy, or ANY."""
    if if_none_match.strip() == "*":
        return lambda _: ANY
    return own_copies(if_none_match).get if if_none_match else NO_COPIES


def own_copies(if_none_match: str) -> dict[bytes, str]:
    """The same for those entity tags that are named and ours. Of two with one digest the first counts: either copy is
    as good."""
    found: dict[bytes, str] = {}
    for tag in _ENTITY_TAG.findall(if_none_match):
        if (ours := _OURS.fullmatch(tag)) and (form := ours[2] or JSON) in FORMS:
            found.setdefault(ours[1].encode(), form)
    return found


def _packed(body: bytes) -> bytes | None:
    try:
        packed: bytes = msgpack.packb(orjson.loads(body))
    except ValueError:
        return None
    return packed

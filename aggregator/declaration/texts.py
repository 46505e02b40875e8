"""The texts inside a declaration: names, URLs, paths, tags and headers, each read or refused with a reason."""

import re
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator

from aggregator.model.payload_path import PayloadPath
from aggregator.model.route import Route
from aggregator.model.source import REQUEST_PARTS, Source
from aggregator.model.tags import tag_mistake
from aggregator.model.template import Template
from aggregator.units import shown

# The connection's own headers, and the validators that each load sets itself.
_OWN_HEADERS = frozenset(
    (
        *("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"),
    )
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INPUT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SLOT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[!-~](?:[\t -~]*[!-~])?")
_TARGET = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_TYPED = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*:[^{}]*\}")


def _name(text: str) -> str:
    # Names become part of Redis keys, tags and metric labels: no colon, brace or space may be in them.
    if not _NAME.fullmatch(text):
        raise ValueError("expected a name of 1 to 64 letters, digits, underscores or hyphens")
    return text


def _slot_name(text: str) -> str:
    if text in REQUEST_PARTS:
        raise ValueError(f"the slot names {', '.join(REQUEST_PARTS)} are reserved")
    if not _SLOT.fullmatch(text):
        raise ValueError("expected a slot name that is an identifier: letters, digits and underscores, no digit first")
    return text


def _url(text: str) -> str:
    # Not shown where it is wrong: what stands before the host may be a password.
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f'expected a URL such as "http://127.0.0.1:9001": {error}') from None
    if parts.scheme not in ("http", "https"):
        raise ValueError('expected a URL that begins with "http://" or "https://"')
    if not parts.hostname:
        raise ValueError('expected a URL with a host such as "http://127.0.0.1:9001"')
    if "@" in parts.netloc:
        raise ValueError("expected a URL without credentials; send those as headers from env or file")
    if "?" in text or "#" in text:
        raise ValueError("expected a URL without query or fragment; a query belongs to a fragment's path")
    _url_text(text, parts.path)
    return text


def _jwks_url(text: str) -> str:
    # Some issuers tell their sets of keys apart by a query.
    base, _, query = text.partition("?")
    if "#" in text or not _TARGET.fullmatch(query):
        raise ValueError("expected a URL without fragment, and with a query of URL characters if it has one")
    _url(base)
    return text


def _url_text(text: str, path: str) -> None:
    if not text.isascii() or not text.isprintable() or " " in text or not _TARGET.fullmatch(path):
        raise ValueError("expected a URL of ASCII characters without spaces; percent-encode others")
    if any(unquote(segment) in (".", "..") for segment in path.split("/")):
        raise ValueError('expected a URL without "." or ".." as a path segment')


def _fragment_path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//"):
        raise ValueError(f'expected a path that begins with one "/", such as "/users/{{user_id}}", not {shown(text)}')
    if "#" in text:
        raise ValueError('expected a path without "#": an MBU never sees what stands behind it')
    if typed := _TYPED.search(text):
        raise ValueError(f"{shown(typed[0])}: a parameter's type is declared in the screen's path, not here")
    literals = Template.parse(text).parts[::2]
    if not all(_TARGET.fullmatch(literal) for literal in literals):
        raise ValueError("expected a path of URL characters; percent-encode others")
    _plain_segments(text)
    return text


def _plain_segments(text: str) -> None:
    if any(unquote(segment) in (".", "..") for segment in text.partition("?")[0].split("/")):
        raise ValueError('expected a path without "." or ".." as a segment')


def _screen_path(text: str) -> str:
    Route.parse(text)
    return text


def _tag(text: str) -> str:
    for literal in Template.parse(text).parts[::2]:
        _tag_text(literal or "-")
    _tag_text(text)
    return text


def _tag_text(text: str) -> str:
    if wrong := tag_mistake(text):
        raise ValueError(wrong)
    return text


def _tag_prefix(text: str) -> str:
    return _tag_text(text) if text else text


def _payload_path(text: str) -> str:
    if not text:
        raise ValueError('expected a payload path such as "[*].id", not ""')
    PayloadPath.parse(text)
    return text


def _header_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("expected a header name: letters, digits and hyphens, as in RFC 9110, section 5.1")
    if text.lower() in _OWN_HEADERS:
        raise ValueError("this header is set by the connection or by each load, and cannot be declared")
    return text.lower()


def header_value(text: str) -> str:
    """The text if it may be a header's value; ValueError otherwise, without the value, as it may be a secret."""
    if not _FIELD_VALUE.fullmatch(text):
        raise ValueError("expected a header value of visible ASCII characters, without line breaks or outer spaces")
    return text


def _header_template(text: str) -> str:
    for literal in Template.parse(text).parts[::2]:
        if literal and not _FIELD_VALUE.fullmatch(literal.strip(" ") or "-"):
            raise ValueError("expected a header value of visible ASCII characters, without line breaks")
    return text


def _cookie_name(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError("expected a cookie's name, as in RFC 6265, section 4.1.1")
    return text


def _input_name(text: str) -> str:
    if not _INPUT.fullmatch(text):
        raise ValueError("expected a name of 1 to 64 letters, digits, underscores or hyphens")
    return text


def _source(text: str) -> str:
    Source.parse(_payload_path(text) if text.partition(".")[0] not in REQUEST_PARTS else text)
    return text


def _place(text: str) -> str:
    if not all(map(_SLOT.fullmatch, text.split("."))):
        raise ValueError('expected names parted by dots, such as "profile.user"')
    return text


Name = Annotated[str, AfterValidator(_name)]
HeaderTemplate = Annotated[str, AfterValidator(_header_template)]
CookieName = Annotated[str, AfterValidator(_cookie_name)]
InputName = Annotated[str, AfterValidator(_input_name)]
PayloadText = Annotated[str, AfterValidator(_payload_path)]
SourceText = Annotated[str, AfterValidator(_source)]
PlaceText = Annotated[str, AfterValidator(_place)]
SlotName = Annotated[str, AfterValidator(_slot_name)]
MbuUrl = Annotated[str, AfterValidator(_url)]
JwksUrl = Annotated[str, AfterValidator(_jwks_url)]
FragmentPath = Annotated[str, AfterValidator(_fragment_path)]
ScreenPath = Annotated[str, AfterValidator(_screen_path)]
TagTemplate = Annotated[str, AfterValidator(_tag)]
TagPattern = Annotated[str, AfterValidator(_tag_text)]
TagPrefix = Annotated[str, AfterValidator(_tag_prefix)]
TagsFrom = Annotated[str, AfterValidator(_payload_path)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(header_value)]

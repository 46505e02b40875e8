"""Asking the admin listener of a running service."""

from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from time import monotonic
from types import MappingProxyType
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import orjson

from aggregator.commands.layers import load_settings
from aggregator.http.problems import PROBLEM_TYPE
from aggregator.mistakes import Mistake, Mistaken

LONGEST = 2**26
ADMIN_URL = "[by AGGREGATOR_ADMIN_HOST and _PORT, else http://127.0.0.1:8081]"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_CHUNK = 65_536


class Problem(Mistaken):
    """The listener answers a problem document (RFC 9457). said: what it says."""

    def __init__(self, answers: str, detail: str) -> None:
        super().__init__(refused(answers).mistakes)
        self.said = f"{answers}: {detail}"


def page_of(
    admin_url: str,
    path: str = "/metrics",
    within: float = 5.0,
    sent: bytes | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
) -> str:
    """What GET <admin_url><path> answers, or POST where something is `sent`, within so many seconds.

    Mistaken, named by the flag, if nothing does; Problem if that is what it answers.
    """
    request = Request(f"{base_of(admin_url)}{path}", sent, dict(headers))  # noqa: S310  # its scheme was looked at
    url = request.full_url.partition("?")[0]
    # Never through a proxy: the admin listener is nothing that one could reach.
    opener = build_opener(ProxyHandler({}))
    until = monotonic() + within
    try:
        with opener.open(request, timeout=within) as response:
            return _body(response, until).decode()
    except HTTPError as error:
        with closing(error):
            if error.headers.get_content_type() == PROBLEM_TYPE:
                raise Problem(f"{url} answers {error.code}", _detail(error)) from None
            raise refused(f"{url} answers {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise refused(f"{url} does not answer: {getattr(reason, 'strerror', None) or reason}") from None
    except (HTTPException, UnicodeDecodeError):
        raise refused(f"{url} does not answer as a service does") from None


def default_url(environ: Mapping[str, str]) -> str:
    """Where the admin listener is by the AGGREGATOR_* variables and the defaults."""
    settings = load_settings({}, environ)
    host = f"[{settings.admin_host}]" if ":" in settings.admin_host else settings.admin_host
    return f"http://{host}:{settings.admin_port}"


def refused(why: str) -> Mistaken:
    """The refusal of the URL that was given."""
    expected = 'expected: the admin URL that "aggregator serve" prints, such as http://127.0.0.1:8081'
    return Mistaken([Mistake("", "", "--admin-url", f"{why}; {expected}")])


def base_of(admin_url: str) -> str:
    """What a path is put behind; Mistaken, named by the flag, where it is no URL of a service."""
    # Not shown where it is wrong: what stands before the host may be a password.
    try:
        parts = urlsplit(admin_url)
        _ = parts.port
    except ValueError:
        raise refused("host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(sign in admin_url for sign in "@?#"):
        raise refused("is no URL of a service")
    return admin_url.rstrip("/")


def _detail(error: HTTPError) -> str:
    try:
        return str(orjson.loads(error.read(_CHUNK))["detail"])
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        return "it does not say why"


def _body(response: HTTPResponse, until: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if monotonic() > until or len(body) > LONGEST:
            raise OSError("its page is too long, or comes too slowly")
    if response.length:
        raise OSError("its page was cut short")
    return bytes(body)

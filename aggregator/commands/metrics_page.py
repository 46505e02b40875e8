"""Fetching the metrics page of a running service from its admin listener."""

from contextlib import closing
from http.client import HTTPException, HTTPResponse
from time import monotonic
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from aggregator.mistakes import Mistake, Mistaken

LONGEST = 2**26
_CHUNK = 65_536


def page_of(admin_url: str, within: float = 5.0) -> str:
    """What GET <admin_url>/metrics answers, within so many seconds; Mistaken, named by the flag, if nothing does."""
    url = f"{_base(admin_url)}/metrics"
    # Never through a proxy: the admin listener is nothing that one could reach.
    opener = build_opener(ProxyHandler({}))
    until = monotonic() + within
    try:
        with opener.open(url, timeout=within) as response:
            return _body(response, until).decode()
    except HTTPError as error:
        with closing(error):
            raise refused(f"{url} answers {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise refused(f"{url} does not answer: {getattr(reason, 'strerror', None) or reason}") from None
    except (HTTPException, UnicodeDecodeError):
        raise refused(f"{url} does not answer as a service does") from None


def refused(why: str) -> Mistaken:
    """The refusal of the URL that was given."""
    expected = 'expected: the admin URL that "aggregator serve" prints, such as http://127.0.0.1:8081'
    return Mistaken([Mistake("", "", "--admin-url", f"{why}; {expected}")])


def _base(admin_url: str) -> str:
    # Not shown where it is wrong: what stands before the host may be a password.
    try:
        parts = urlsplit(admin_url)
        _ = parts.port
    except ValueError:
        raise refused("host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or any(sign in admin_url for sign in "@?#"):
        raise refused("is no URL of a service")
    return admin_url.rstrip("/")


def _body(response: HTTPResponse, until: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if monotonic() > until or len(body) > LONGEST:
            raise OSError("its page is too long, or comes too slowly")
    if response.length:
        raise OSError("its page was cut short")
    return bytes(body)

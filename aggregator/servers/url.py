"""What a Redis URL says: one server, who knows where it is, or nodes of a Cluster."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Literal, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

# Host and port.
Address = tuple[str, int]
Kind = Literal["alone", "sentinel", "cluster"]

_EXPECTED = (
    'expected a URL such as "redis://host:6379/0", "rediss://host:6379/0", "unix:///path.sock", '
    '"redis+sentinel://host:26379,host:26379/service/0" or "redis+cluster://host:6379,host:6379"'
)
# Not `urlsplit`, which takes one host only, and no list with an IPv6 address in it.
_URL = re.compile(r"([a-z+]*)://(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?")
_PORT, _SENTINEL_PORT = 6379, 26379


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """plain: how the server lets us in, as a `redis://`, `rediss://` or `unix://` URL, which redis-py reads. Host and
    port in it are the server's only where it is "alone"; else `asked` are plain URLs of those who know them: sentinels,
    or a Cluster's own nodes.
    service: what sentinels call it.
    """

    plain: str = field(repr=False)  # like the others it may hold a password
    kind: Kind = "alone"
    asked: tuple[str, ...] = field(default=(), repr=False)
    service: str = ""

    @classmethod
    def of(cls, text: str) -> "RedisUrl":
        """ValueError, in which the URL is not shown, for what is none."""
        parts = _split(text)
        match parts.scheme.split("+"):
            case ["unix"] if parts.path:
                return cls(text)
            case ["redis" | "rediss"] if _host(parts.hosts)[0]:
                return cls(text)
            case ["redis" | "rediss" as base, "sentinel"]:
                return _of_sentinels(base, parts)
            case ["redis" | "rediss" as base, "cluster"]:
                return _of_nodes(base, parts)
        raise ValueError(_EXPECTED)


class _Parts(NamedTuple):
    """As they are written, percent signs and all."""

    scheme: str
    login: str
    hosts: str
    path: str
    query: str


def _split(text: str) -> _Parts:
    if match := _URL.fullmatch(text):
        return _Parts(*(part or "" for part in match.groups()))
    raise ValueError(_EXPECTED)


def _of_sentinels(base: str, parts: _Parts) -> RedisUrl:
    said = parse_qs(parts.query)
    if unknown := {name for name in said if name.startswith("sentinel_")} - {"sentinel_username", "sentinel_password"}:
        raise ValueError(f"the Redis URL has an option that is not known: {min(unknown)}")
    service, _, db = parts.path.removeprefix("/").partition("/")
    if not service or not (db.isdecimal() or not db):
        raise ValueError(f"{_EXPECTED}; the sentinels' name of the service, and perhaps a database, follow the hosts")
    options = [option for option in parts.query.split("&") if not option.startswith("sentinel_")]
    tls = [option for option in options if option.startswith("ssl_")]
    username, password = (said.get(name, [""])[0] for name in ("sentinel_username", "sentinel_password"))
    login = f"{quote(username, safe='')}:{quote(password, safe='')}@" if username or password else ""
    asked = [_plain(base, login, *_host(host), "", tls) for host in parts.hosts.split(",")]
    plain = _plain(base, f"{parts.login}@" if parts.login else "", *_host(parts.hosts.split(",")[0]), db, options)
    return RedisUrl(plain, "sentinel", tuple(asked), unquote(service))


def _of_nodes(base: str, parts: _Parts) -> RedisUrl:
    if parts.path not in ("", "/", "/0"):
        raise ValueError(f"{_EXPECTED}; a Cluster has no database but 0")
    login, options = f"{parts.login}@" if parts.login else "", [parts.query] if parts.query else []
    hosts = [_host(host) for host in parts.hosts.split(",")]
    nodes = tuple(_plain(base, login, host, port or _PORT, "", options) for host, port in hosts)
    return RedisUrl(nodes[0], "cluster", nodes)


def _plain(base: str, login: str, host: str, port: int | None, db: str, options: list[str]) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{base}://{login}{name}:{port or _SENTINEL_PORT}/{db}?{'&'.join(options)}".rstrip("?")


def _host(text: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or "," in text:
        raise ValueError(f"{_EXPECTED}; host or port cannot be read")
    return host, port


def place(plain: str) -> str:
    """Host and port of a plain URL, as they may be shown."""
    return _split(plain).hosts


def has_password(text: str) -> bool:
    """Does the URL hold a password, before the hosts or in the query?"""
    try:
        parts = _split(text)
    except ValueError:
        return "@" in text
    return ":" in parts.login or any(name.endswith("password") for name in parse_qs(parts.query))


def is_insecure(text: str) -> bool:
    """Does the URL lead over a network to a server that anybody on it can read and write?

    A host's name is not looked up: what it stands for may be another one by the time of connecting. Nor are others
    asked where the server is: they may say something else by then.
    """
    url = RedisUrl.of(text)
    parts = _split(url.plain)
    if parts.scheme in ("unix", "rediss") or has_password(url.plain):
        return False
    return url.kind != "alone" or not _is_loopback(_host(parts.hosts)[0])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def without_password(text: str) -> str:
    """The URL as it may be shown: whatever stands before the hosts, and the query, masked."""
    parts = _split(text)
    login = "***@" if parts.login else ""
    return f"{parts.scheme}://{login}{parts.hosts}{parts.path}{'?***' if parts.query else ''}"

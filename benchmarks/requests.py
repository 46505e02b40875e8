"""What is asked: the same screens of a thousand users, in several ways."""

import time
from collections.abc import Iterable

import jwt

from benchmarks.ask import ask, get
from benchmarks.fleet import SECRET
from benchmarks.processes import Server

USERS = 1_000
HEADER_BLOCKS = 10_000
COLD = 20_000  # more than any gateway composes in one run
_TRIES = 100
_PHONE = ("accept: application/json", "accept-language: de-DE,de;q=0.9,en;q=0.8", "x-app-version: 7.31.2")


def users(*headers: str) -> list[bytes]:
    """The screens of all users, one after the other."""
    return [get(f"/home/{number}", *headers) for number in range(1, USERS + 1)]


def phones() -> list[bytes]:
    """The same screens, asked for by ten thousand phones, each with headers of its own."""
    told = (f"user-agent: Screens/7.31 (phone {number})" for number in range(HEADER_BLOCKS))
    return [get(f"/home/{number % USERS + 1}", *_PHONE, agent) for number, agent in enumerate(told)]


def revalidating(server: Server) -> list[bytes]:
    """Each user's screen, asked for by who has it already."""
    etags = [ask(server.port, request).header(b"etag").decode() for request in users()]
    return [get(f"/home/{number}", f"if-none-match: {etag}") for number, etag in enumerate(etags, 1)]


def viewers() -> list[bytes]:
    """The same bytes as a private screen, each time with the token of another user."""
    expires = int(time.time()) + 6 * 3_600
    tokens = (jwt.encode({"sub": str(number), "exp": expires}, SECRET, "HS256") for number in range(1, USERS + 1))
    return [get("/mine", f"authorization: Bearer {token}") for token in tokens]


def strangers(turn: int) -> list[bytes]:
    """Screens that nobody asked for before, in another turn or in this one."""
    first = 1_000_000 + turn * COLD
    return [get(f"/home/{number}") for number in range(first, first + COLD)]


def fill(server: Server, requests: Iterable[bytes], marker: bytes = b"") -> None:
    """Ask for each until its answer's head holds `marker`; AssertionError where it does not come to that.

    Views are stored, and encoded, behind the answers that they were first composed for.
    """
    for request in requests:
        assert any(marker in ask(server.port, request).head for _ in range(_TRIES)), request

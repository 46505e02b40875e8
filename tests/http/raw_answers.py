"""Reading what the listeners said: raw bytes, and problem documents."""

from typing import Any

import orjson

from tests.running import Got

CLOSE = b"host: x\r\nconnection: close\r\n"


def split(said: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers, and the JSON of the body; exactly one response."""
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert len(body) == int(headers["content-length"]), said
    return int(first.split(" ")[1]), headers, orjson.loads(body)


def refused(said: bytes, status: int) -> None:
    """Is it one problem document of that status?"""
    code, headers, document = split(said)
    assert (code, document["status"], headers["content-type"]) == (status, status, "application/problem+json")
    assert document["detail"]
    assert headers["x-request-id"]
    assert headers["date"]


def is_problem(got: Got, status: int) -> bool:
    """Is it a problem document of that status, and kept by nobody?"""
    assert got.headers["content-type"] == "application/problem+json"
    assert got.headers["cache-control"] == "no-store"
    assert set(got.json) >= {"title", "status", "detail"}
    return bool(got.status == got.json["status"] == status)

"""The public listener's protocol: uvicorn's on httptools, with limits on what a stranger may send."""

from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aggregator.http.negotiation import request_id
from aggregator.http.problems import Reply, phrase, problem


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a request's target, and of all its header lines together."""

    target: int = 8_192
    headers: int = 32_768


class Wire(HttpToolsProtocol):
    """Refuses with a problem document and closes: 414, 431, and 400 for what is no HTTP."""

    def __init__(self, limits: Limits, **rest: Any) -> None:
        super().__init__(**rest)
        self._limits = limits
        self._refusal: Reply | None = None
        self._in_head = False
        self._head_bytes = self._line_bytes = 0

    def data_received(self, data: bytes) -> None:
        """Feed the parser. It keeps an unfinished header line to itself, so raw bytes are counted here as well; not
        those of the read in which the head began, since others may stand before it."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > self._limits.headers + self._limits.target:
            self._refusal = self._too_many_headers()
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._line_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        if len(self.url) > self._limits.target:
            limit = self._limits.target
            self._refuse(
                problem(414, f"The target is longer than the {limit} bytes that are taken.", connection="close")
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        super().on_header(name, value)
        self._line_bytes += len(name) + len(value) + len(": \r\n")
        if self._line_bytes > self._limits.headers:
            self._refuse(self._too_many_headers())

    def on_headers_complete(self) -> None:
        """The head ends."""
        self._in_head = False
        version, hosts = self.parser.get_http_version(), [name for name, _ in self.headers].count(b"host")
        # The parser lets other versions pass, and any number of Host lines (RFC 9112, section 3.2).
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and hosts == 0):
            raise ValueError("another version of HTTP, or not exactly one Host")
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or was refused, and close."""
        reply = self._refusal or problem(400, "This is not a valid HTTP/1.1 request.", connection="close")
        if not self.transport.is_closing():
            given = next((value for name, value in self.headers or () if name == b"x-request-id"), None)
            self.transport.write(_raw(reply, request_id(given)))
            self.transport.close()

    def _too_many_headers(self) -> Reply:
        limit = self._limits.headers
        return problem(431, f"The headers are longer than the {limit} bytes that are taken.", connection="close")

    def _refuse(self, reply: Reply) -> None:
        """Stop the parser from within its callback; it then calls send_400_response."""
        self._refusal = reply
        raise ValueError(reply.status)


def _raw(reply: Reply, name: str) -> bytes:
    headers = {**reply.headers, "date": formatdate(usegmt=True), "x-request-id": name}
    lines = [f"HTTP/1.1 {reply.status} {phrase(reply.status)}", *(f"{key}: {value}" for key, value in headers.items())]
    head = "\r\n".join([*lines, f"content-length: {len(reply.body)}", "", ""])
    return head.encode("latin-1") + reply.body

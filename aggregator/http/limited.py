"""A protocol with limits: uvicorn's on httptools, that takes no more of a stranger than is said, and only HTTP."""

from dataclasses import dataclass
from typing import Any

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from aggregator.http.problems import Reply, problem


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a request's target, of all its header lines together, and of its body; lines: how many of them.
    connections: at a time."""

    target: int = 8_192
    headers: int = 32_768
    lines: int = 100
    body: int = 262_144
    connections: int = 10_000


class Limited(HttpToolsProtocol):
    """Refuses with a problem document: 413, 414, 431, and 400 for what is no HTTP. refusal: which."""

    def __init__(self, limits: Limits, **rest: Any) -> None:
        super().__init__(**rest)
        self.limits = limits
        self.refusal = problem(400, "This is not a valid HTTP/1.1 request.", connection="close")
        self._in_head = False
        self._head_bytes = self._line_bytes = self._lines = self._body_bytes = self._rest_bytes = 0

    def feed_limited(self, data: bytes) -> None:
        """Feed the parser; HttpParserError where the request is refused.

        The parser keeps an unfinished header line to itself, and what stands around chunks, so raw bytes are counted
        here as well; not those of the piece in which the head began, since others may stand before it. Around the body
        there may be as much as it may have."""
        if self._in_head:
            self._head_bytes += len(data)
        else:
            self._rest_bytes += len(data)
        self.parser.feed_data(data)
        if self._in_head and self._head_bytes > self.limits.headers + self.limits.target:
            self.refusal = self._too_large_headers()
            raise HttpParserError("too many bytes of headers")
        if self._rest_bytes > 2 * self.limits.body:
            self.refusal = self._too_large_body()
            raise HttpParserError("too many bytes of chunks")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._line_bytes = self._lines = self._body_bytes = self._rest_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        if len(self.url) > self.limits.target:
            limit = self.limits.target
            self._refuse(
                problem(414, f"The target is longer than the {limit} bytes that are taken.", connection="close")
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line. One behind a body counts, and is dropped: it may not pass for one of the head (RFC 9110,
        section 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)
        self._lines += 1
        self._line_bytes += len(name) + len(value) + len(": \r\n")
        if self._line_bytes > self.limits.headers:
            self._refuse(self._too_large_headers())
        if self._lines > self.limits.lines:
            most = self.limits.lines
            self._refuse(
                problem(431, f"There are more than the {most} header lines that are taken.", connection="close")
            )

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > self.limits.body:
            self._refuse(self._too_large_body())
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head ends."""
        self._in_head = False
        version, hosts = self.parser.get_http_version(), [name for name, _ in self.headers].count(b"host")
        # The parser lets other versions pass, and any number of Host lines (RFC 9112, section 3.2).
        if version not in ("1.0", "1.1") or hosts > 1 or (version == "1.1" and hosts == 0):
            raise ValueError("another version of HTTP, or not exactly one Host")
        # The parser takes what follows an upgrade for another protocol: a body would be read as requests.
        if self.parser.should_upgrade() and self._has_body():
            why = "No body is taken with Upgrade or CONNECT; HTTP/1.1 alone is spoken here: send it without."
            self._refuse(problem(400, why, connection="close"))
        # The parser refuses most others, but only once the request has been begun, and takes some before chunked.
        if any(name == b"transfer-encoding" and value.strip().lower() != b"chunked" for name, value in self.headers):
            self._refuse(problem(501, "Of transfer codings chunked alone is taken.", connection="close"))
        if self._length() > self.limits.body:
            self._refuse(self._too_large_body())
        super().on_headers_complete()

    def _has_body(self) -> bool:
        return self._length() > 0 or any(name == b"transfer-encoding" for name, _ in self.headers)

    def _length(self) -> int:
        return next((int(value) for name, value in self.headers if name == b"content-length"), 0)

    def _too_large_body(self) -> Reply:
        return problem(413, f"The body is longer than the {self.limits.body} bytes that are taken.", connection="close")

    def _too_large_headers(self) -> Reply:
        limit = self.limits.headers
        return problem(431, f"The headers are longer than the {limit} bytes that are taken.", connection="close")

    def _too_many_connections(self) -> Reply:
        why = f"There are {self.limits.connections} connections already (max_connections): come back later."
        return problem(503, why, retry_after=1.0, connection="close")

    def _too_many_of_one_client(self) -> Reply:
        why = "Your address has as many connections as one may have (max_connections_per_client): close some."
        return problem(429, why, retry_after=1.0, connection="close")

    def _refuse(self, reply: Reply) -> None:
        """Stop the parser from within its callback; it then calls send_400_response."""
        self.refusal = reply
        raise ValueError(reply.status)

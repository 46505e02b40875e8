"""The public listener's protocol: answers at once what it can, and hands everything else to uvicorn's on httptools."""

import asyncio
from email.utils import formatdate
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade

from aggregator.http.connections import Connections
from aggregator.http.heads import raw
from aggregator.http.limited import Limits
from aggregator.http.negotiation import request_id
from aggregator.http.patience import Patient
from aggregator.http.problems import Reply
from aggregator.http.quick import Quick

# Of a read with many requests in it so much is parsed at a time, since each that waits costs 50 times its own bytes.
_SLICE = 1_024
# Seconds for which a connection without a request under way is left open once the process is to end.
_LAST_MOMENT = 0.5


def _no_answer(data: bytes) -> bytes | None:
    return None


class Wire(Patient):
    """A request that comes in one read, with nothing else under way on its connection, is offered to `quick` first."""

    def __init__(self, limits: Limits, quick: Quick, counts: Connections, **rest: Any) -> None:
        super().__init__(limits, **rest)
        self._counts = counts
        self._client: str | None = None
        self._quick, self._begin, self._peer = quick, quick.begin, ""
        self._refused = False
        self._in_message = self._making = self._closing = False
        self._free = True
        self._used_at = 0.0
        self._unfed = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request, too, has to come in time; it is not waited for where there are too many connections, of
        all clients or of this one."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._hits = self._quick.hits_of(self._peer)
        self._answer = self._hits.answer
        if len(self.connections) > self.limits.connections:
            self._refuse_connection("max_connections", self._too_many_connections())
            return
        self._client = self._counts.begin(self._peer)
        if self._client is None:
            self._refuse_connection("max_connections_per_client", self._too_many_of_one_client())
        else:
            self._rearm(self.timeout_keep_alive)

    def _refuse_connection(self, bound: str, refusal: Reply) -> None:
        self._counts.refused[bound] += 1
        self.refusal = refusal
        self._refuse_now()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its client may have another one."""
        super().connection_lost(exc)
        if self._client is not None:
            self._counts.end(self._client)

    def data_received(self, data: bytes) -> None:
        """Answer, or feed the parser."""
        if self._free:
            find = self._answer
            answer = find(data)
            if answer is not None:
                self.transport.write(answer)
                self._used_at = self._hits.at
                if self.timeout_keep_alive_task is None:
                    self._rearm(self.timeout_keep_alive)
                return
            if self._begin(data, self._made, self._peer):
                self._making = True
                self._free = False
                self._unset_keepalive_if_required()
                return
        self._unfed += data
        if not self._making:
            self._feed()
        elif len(self._unfed) > self.limits.headers:
            self.flow.pause_reading()

    def _made(self, answer: bytes) -> None:
        """What was begun is there; what came meanwhile is next."""
        self._making = False
        if self.transport.is_closing():
            return
        if self._closing:
            head, end, body = answer.partition(b"\r\n\r\n")
            self.transport.write(head + b"\r\nconnection: close" + end + body)
            self.transport.close()
            return
        self.transport.write(answer)
        self._go_on()

    def _go_on(self) -> None:
        """Look at what has not been looked at. Where that is not all of a request, the rest has to come in time."""
        self._set_free()
        unfed, self._unfed = self._unfed, b""
        if unfed:
            self.data_received(unfed)
        if not (self._making or self.pipeline or self._unfed):
            self.flow.resume_reading()
        if self._idle() and self.timeout_keep_alive_task is None:
            self._rearm(self.timeout_keep_alive)

    def _feed(self) -> None:
        """Feed the parser, until a request has to wait for an answer to the one before it. From its first byte on a
        head has so much time as a connection may be idle, in however many pieces it comes."""
        if not self._in_head:
            self._unset_keepalive_if_required()
        data, fed = self._unfed, 0
        while fed < len(data) and not (self.pipeline or self._refused or self.transport.is_closing()):
            fed += self._taken(data[fed : fed + _SLICE])
        self._unfed = data[fed:]
        if self._unfed:
            self.flow.pause_reading()
        if not self._idle():
            self._unset_keepalive_if_required()
        elif self.timeout_keep_alive_task is None:
            self._rearm(self.timeout_keep_alive)

    def _taken(self, data: bytes) -> int:
        """How many bytes were taken."""
        try:
            self.feed_limited(data)
        except HttpParserUpgrade as end:
            # No upgrade is made (RFC 9110, section 7.8), and with a body it is refused: what follows is a request.
            return int(end.args[0])
        except HttpParserError:
            self.send_400_response("")
        return len(data)

    def _set_free(self) -> None:
        self._free = self._idle() and not self._in_message and not self.flow.write_paused

    def _idle(self) -> bool:
        """Is no answer under way?"""
        return not self._making and (self.cycle is None or bool(self.cycle.response_complete))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_message = True
        self._free = False

    def on_message_complete(self) -> None:
        """The request ends."""
        super().on_message_complete()
        self._in_message = False
        self._set_free()

    def on_response_complete(self) -> None:
        """The response ends; a request that waited is next, or what was not parsed yet."""
        waited = bool(self.pipeline)
        super().on_response_complete()
        if waited and not self.transport.is_closing():
            self._feed()  # The rest of its body may be there.
        elif self._unfed:
            self.flow.pause_reading()
        self._set_free()
        if waited or self.transport.is_closing():
            return
        if self._refused:
            self._refuse_now()
        elif self._unfed:
            self._go_on()

    def pause_writing(self) -> None:
        """The client does not read as fast as it asks: nothing is answered at once before it has caught up."""
        super().pause_writing()
        self._free = False

    def resume_writing(self) -> None:
        """It has."""
        super().resume_writing()
        self._set_free()

    def shutdown(self) -> None:
        """Close when the answer under way is sent, or else the next one: its request may be on the way, and would find
        a closed door. Where none comes in a moment, it is closed all the same."""
        self._closing, self._answer = True, _no_answer  # the next one is to say that it is the last
        self._used_at = 0.0
        if self._idle():
            self._rearm(_LAST_MOMENT)
        elif not self._making:
            super().shutdown()

    def on_headers_complete(self) -> None:
        """The head ends; the last request's answer is to say so."""
        super().on_headers_complete()
        if self._closing:
            self.cycle.keep_alive = False

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle. Hits do not set this timer anew each time: they note when they were."""
        left = self._used_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._rearm(left)
        else:
            super().timeout_keep_alive_handler()

    def _rearm(self, seconds: float) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed, or was refused, and close: in its turn, after what came before it."""
        self._refused = True
        begun = self._in_message and self.cycle is not None and self.cycle.scope is self.scope
        if begun:
            self.cycle.disconnected = True  # It is to have no other answer.
        if begun and self.pipeline:
            self.pipeline.popleft()
        elif begun and self.cycle.response_started:
            self.transport.close()  # Nor is one answered twice whose body broke off behind its answer.
        elif begun or self._idle():
            self._refuse_now()

    def _refuse_now(self) -> None:
        if not self.transport.is_closing():
            # With an id of ours: how much of a refused head was parsed depends on how it came in pieces.
            date, id = formatdate(usegmt=True), request_id(None)
            self.transport.write(raw(self.refusal, date, id, self._in_message and self._is_to_head()))
            self.transport.close()

    def _is_to_head(self) -> bool:
        """Before its target is read, the parser's method is that of the request before."""
        return bool(self.url) and self.parser.get_method() == b"HEAD"

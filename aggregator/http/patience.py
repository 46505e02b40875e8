"""Patience with a stranger has an end: for a body to come, and for what is sent to be taken."""

import asyncio

from aggregator.http.limited import Limited
from aggregator.http.problems import problem

# Seconds from the end of a head in which its body has to come (or from the end of a connection, in which the rest has
# to be read), and seconds in which a slow reader has to take _LEAST bytes.
_BODY = 10.0
_READER = 15.0
_LEAST = 15_360


class Patient(Limited):
    """408 for a body that does not come in time; a client that does not read is cut without a word."""

    _body_timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        super().connection_lost(exc)
        _cancel(self._body_timer)
        _cancel(self._reader_timer)

    def on_headers_complete(self) -> None:
        """The head ends; a body is waited for."""
        super().on_headers_complete()
        if self._has_body():
            self._body_timer = self.loop.call_later(_BODY, self._body_is_late)

    def on_message_complete(self) -> None:
        """All of it is there."""
        _cancel(self._body_timer)
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The network takes no more."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        _cancel(self._reader_timer)
        self._reader_timer = None

    def on_response_complete(self) -> None:
        """The answer ends, and perhaps the connection, which stays open until it is read."""
        super().on_response_complete()
        self._watch_the_end()

    def timeout_keep_alive_handler(self) -> None:
        """The idle connection ends, once what was sent is read."""
        super().timeout_keep_alive_handler()
        self._watch_the_end()

    def _watch_the_end(self) -> None:
        if self.transport.is_closing() and self._reader_timer is None and self.transport.get_write_buffer_size():
            self._watch_reader(_BODY)

    def _body_is_late(self) -> None:
        if self.flow.read_paused:  # by us: it may have come
            self._body_timer = self.loop.call_later(_BODY, self._body_is_late)
        else:
            self.refusal = problem(408, f"The body did not come within {_BODY:.0f} s.", connection="close")
            self.send_400_response("")

    def _watch_reader(self, seconds: float = _READER) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._reader_timer = self.loop.call_later(seconds, self._reader_is_late, unsent)

    def _reader_is_late(self, before: int) -> None:
        taken = before - self.transport.get_write_buffer_size()
        if 0 <= taken < _LEAST:  # less than nothing: an answer that was under way has been added
            self.transport.abort()
        else:
            self._watch_reader()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()

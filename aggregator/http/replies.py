"""A reply to who asked for a screen: the answer in the form they take, and a line in the log where it is not whole."""

from collections.abc import Mapping
from typing import NamedTuple

import structlog

from aggregator.engine.answer import Answer, Refused
from aggregator.http.forms import Copies, copies, wanted
from aggregator.http.making import Making
from aggregator.http.problems import Reply, problem
from aggregator.http.responses import respond
from aggregator.model.screen import Screen
from loaders.loader import Reason

_log = structlog.get_logger()


class Wanted(NamedTuple):
    """What a client asks for besides the screen. form: by its name. copies: what it has already."""

    form: str
    copies: Copies

    @classmethod
    def by(cls, headers: Mapping[bytes, bytes]) -> "Wanted":
        """What these header fields ask for."""
        accept, had = (headers.get(name, b"").decode("latin-1") for name in (b"accept", b"if-none-match"))
        form = wanted(accept, headers.get(b"accept-encoding", b""))
        return cls(form, copies(had, form))


def reply_with(screen: Screen, answer: Answer | Refused | None, asked: Wanted, making: Making) -> Reply:
    """The reply to a GET; to HEAD the same without its body. None: there can be no such screen."""
    if answer is None:
        return problem(404, "No screen has this path: one of its inputs cannot be put to an MBU.")
    _note(screen, answer)
    if isinstance(answer, Refused):
        return respond(screen, answer)
    return respond(screen, answer, making.body(answer, asked.form), asked.copies)


def defect(path: str) -> Reply:
    """What is said where an exception reached the edge; to be called while it is handled."""
    _log.exception("request failed", path=path)
    return problem(500, "This is a defect of the aggregator; its log has the request id and the traceback.")


def _note(screen: Screen, answer: Answer | Refused) -> None:
    """A line for every request that did not get what was declared, with its own id: the load that failed may have been
    another one's. Who is refused for a crowd is only counted: a line for each would cost most when there is least to
    spare."""
    if isinstance(answer, Refused):
        failure = answer.failure
        if failure.reason is Reason.CROWDED:
            return
        _log.warning(
            "screen failed", screen=screen.name, slot=answer.slot.name, status=failure.status, why=failure.detail
        )
    elif not answer.view.whole and answer.tier != "l1":
        _log.warning("screen incomplete", screen=screen.name)

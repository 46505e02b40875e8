"""An MBU that changes something, invalidates it through an outbox, and is killed where it is told.

python -m tests.outbox_mbu DATABASE REDIS_URL NUMBER SINCE POINT

SINCE: points are counted from before the change ("change") or from after its commit ("commit"). POINT: the line of
Python, in whatever module, that is the last one to begin; the process ends there by SIGKILL, or behind the last one. 0:
it is not killed, and prints how many lines there are. Connections are there before, so that no lines are spent on them.
"""

import itertools
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from aggregator.publisher import Outbox, Relay
from aggregator.publisher.outbox import Connection
from tests.databases import connect, outbox


def change(connection: Connection, own: Outbox, number: int) -> None:
    """One transaction."""
    connection.cursor().execute(f"INSERT INTO changes (number) VALUES ({number})")
    own.write(connection, [f"change:{number}"], id=f"change-{number}")
    connection.commit()


def killed_at(point: int) -> tuple[Callable[[FrameType, str, Any], Any], Callable[[], int]]:
    """For sys.settrace; and how many lines there were."""
    lines = itertools.count(1)

    def trace(frame: FrameType, event: str, told: Any) -> Any:
        if event == "line" and next(lines) == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace, lambda: next(lines) - 1


def main(database: str, redis_url: str, number: str, since: str, point: str) -> None:
    """Change, and publish."""
    own, connection = outbox(database, f"outbox_{number}"), connect(database)
    relay = Relay(lambda: connect(database), own, redis_url, timeout=10.0)
    own.write(connection, ["first"])
    connection.commit()
    relay.relay()
    trace, counted = killed_at(int(point))
    if since == "change":
        sys.settrace(trace)
    change(connection, own, int(number))
    sys.settrace(trace)
    relay.relay()
    sys.settrace(None)
    if int(point):
        os.kill(os.getpid(), signal.SIGKILL)
    print(counted())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""When an append is tried again: until a deadline, at growing random intervals, unless trying cannot help."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from redis.exceptions import AuthenticationError, AuthorizationError, DataError, NoPermissionError
from tenacity import RetryCallState, retry_if_exception, wait_random_exponential

from aggregator.invalidation.durability import NeverDurable
from aggregator.invalidation.log import LogUnavailable

_FIRST, _LONGEST = 0.05, 2.0  # seconds; the random wait is up to the first, then twice as long each time
_HOPELESS = (AuthenticationError, AuthorizationError, NoPermissionError, DataError)


def until(deadline: float) -> dict[str, Any]:
    """Arguments for tenacity's `Retrying` and `AsyncRetrying`; the deadline is on the monotonic clock. The first try
    is always made, and none is begun after the deadline."""
    return {
        "retry": retry_if_exception(_may_pass),
        "wait": wait_random_exponential(multiplier=_FIRST, max=_LONGEST),
        "stop": _ends(deadline),
        "reraise": True,
    }


def _may_pass(error: BaseException) -> bool:
    if not isinstance(error, LogUnavailable) or isinstance(error, NeverDurable):
        return False
    return not any(isinstance(cause, _HOPELESS) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """redis-py wraps what happens while it connects, once or twice."""
    cause = error.__cause__
    while cause:
        yield cause
        cause = cause.__cause__


def _ends(deadline: float) -> Callable[[RetryCallState], bool]:
    return lambda state: time.monotonic() + state.upcoming_sleep >= deadline

"""A planted bug: one text of one function replaced by another, for as long as a test of it runs."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def planted(function: Callable[..., Any], right: str, wrong: str) -> Iterator[None]:
    """Let the function run with `wrong` where it says `right`, wherever it has been imported to."""
    source = textwrap.dedent(inspect.getsource(function))
    count = source.count(right)
    if count != 1:
        raise LookupError(f"{function.__qualname__} says {right!r} {count} times, not once: move the planted bug")
    found: dict[str, Any] = {}
    exec(
        compile(source.replace(right, wrong), f"<planted in {function.__qualname__}>", "exec"),
        {**function.__globals__},
        found,
    )
    code, function.__code__ = function.__code__, found[function.__name__].__code__  # type: ignore[attr-defined]
    try:
        yield
    finally:
        function.__code__ = code  # type: ignore[attr-defined]

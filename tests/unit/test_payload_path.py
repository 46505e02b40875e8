"""A payload path selects what it points at, and nothing where the payload is shaped otherwise."""

from typing import Any

import pytest

from aggregator.model.payload_path import PathMistake, PayloadPath


@pytest.mark.parametrize(
    ("text", "payload", "found"),
    [
        ("id", {"id": 1}, [1]),
        ("[*].id", [{"id": 1}, {"id": "b"}], [1, "b"]),
        ("feed.posts[*].author.id", {"feed": {"posts": [{"author": {"id": 1}}]}}, [1]),
        ("a[*][*]", {"a": [[1, 2], [3]]}, [1, 2, 3]),
        ("a[*]", {"a": []}, []),
        ("a[*]", {"a": {"b": 1}}, []),
        ("[*].id", {"id": 1}, []),
        ("[*].id", [{"id": 1}, {}, 3], [1, None, None]),
        ("a.b", {"a": None}, [None]),
    ],
)
def test_a_path_selects(text: str, payload: Any, found: list[Any]) -> None:
    """In order; None stands for a member that is not there."""
    assert PayloadPath.parse(text).select(payload) == found


@pytest.mark.parametrize("text", [".a", "a..b", "a.", "[0]", "[*", "a b", "$.a", "a.[*]", "é"])
def test_what_is_no_path_is_refused(text: str) -> None:
    """With the character from which on it is none."""
    with pytest.raises(PathMistake, match=r"from character \d+ on"):
        PayloadPath.parse(text)

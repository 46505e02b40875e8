"""Publishers' keys: several at once, the old ones in force while a file is wrong, and a rate."""

import asyncio
from pathlib import Path

import pytest
from starlette.datastructures import Headers
from structlog.testing import capture_logs

from aggregator.http.problems import Reply
from aggregator.http.publishing import Publishers
from aggregator.http.signatures import Message
from aggregator.invalidation.nonces import Nonces
from aggregator.model.catalogue import Publisher, Secret


class Asked:
    """Publishers that are asked for the tag "a"."""

    def __init__(self, *publishers: Publisher) -> None:
        self.now = 0.0
        self._publishers = Publishers(publishers, Nonces(None, "n"), lambda: self.now)  # type: ignore[arg-type]

    def by(self, key: str) -> Publisher | int:
        message = Message("POST", "http://h/invalidations", Headers({"authorization": f"Bearer {key}"}))
        permitted = asyncio.run(self._publishers.permit(message, b"", ["a"]))
        return permitted.status if isinstance(permitted, Reply) else permitted


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file."""
    (tmp_path / "key").write_text("first\n")
    return tmp_path / "key"


@pytest.mark.parametrize("content", [None, b"\n \n", b""])
def test_s09_a_file_that_went_wrong_leaves_the_keys_before_it_in_force(content: bytes | None, file: Path) -> None:
    """And says so once."""
    one = Publisher("one", Secret(file=str(file)), ("*",))
    asked = Asked(one)
    assert asked.by("first") is one
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with capture_logs() as logs:
        assert [asked.by("first"), asked.by("first"), asked.by("")] == [one, one, 401]
    assert [entry["file"] for entry in logs] == [str(file)]


def test_s09_keys_are_changed_without_a_gap(file: Path) -> None:
    """Old and new at once, then the new one alone."""
    one = Publisher("one", Secret(file=str(file)), ("*",))
    asked = Asked(one)
    file.write_text("first\nsecond\n")
    assert [asked.by("first"), asked.by("second")] == [one, one]
    file.write_text("second\n")
    assert [asked.by("first"), asked.by("second")] == [401, one]


def test_s11_a_publisher_has_a_rate(file: Path) -> None:
    """So many at once after a pause, then one at a time; who is refused for another reason takes none of it."""
    one = Publisher("one", Secret(file=str(file)), ("*",), rate=2)
    asked = Asked(one)
    assert [asked.by("wrong"), asked.by("first"), asked.by("first"), asked.by("first")] == [401, one, one, 429]
    asked.now = 0.5
    assert [asked.by("first"), asked.by("first")] == [one, 429]

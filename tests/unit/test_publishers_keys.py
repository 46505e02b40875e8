"""Publishers' keys: several at once, the old ones in force while a file is wrong, compared without telling by time."""

import ast
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
from tests.running import ROOT

WHERE_SECRETS_ARE = ("http/publishing.py", "http/publisher_keys.py", "http/signatures.py", "identity/keys.py")
SECRETS = {"key", "valid", "given", "secret", "signature", "digest", "authorization"}


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


@pytest.mark.parametrize("name", WHERE_SECRETS_ARE)
def test_s12_no_secret_is_compared_but_in_constant_time(name: str) -> None:
    """`==` on what may be a secret ends at the first byte that differs; `is` compares no bytes."""
    tree = ast.parse((ROOT / "aggregator" / name).read_text())
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    wrong = [
        ast.unparse(node)
        for node in compared
        if any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops)
        and SECRETS & {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    ]
    assert wrong == []


def test_s12_keys_are_compared_by_digest() -> None:
    """Else the time would tell how long a key is."""
    text = (ROOT / "aggregator" / "http" / "publishing.py").read_text()
    assert "hmac.compare_digest(_digest(valid), given)" in text

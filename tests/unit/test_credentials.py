"""A credential is read again when its file has changed; while it cannot be read, its use fails with a clear word."""

import asyncio
import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.credentials import Credential, Unreadable, revealing
from aggregator.model.catalogue import Mbu, Secret
from aggregator.sources import loader
from loaders.loader import Failed, LoadRequest, Outcome, Reason


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A key file."""
    (tmp_path / "key").write_text("first\n")
    return tmp_path / "key"


def test_a_file_that_did_not_change_is_not_opened_again(file: Path) -> None:
    """The same name, size and time are the same content."""
    credential = Credential(Secret(file=str(file)))
    assert credential.read() == b"first\n"
    status = file.stat()
    file.write_text("other\n")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert credential.read() == b"first\n"


def test_a_file_that_changed_in_time_size_or_place_is_read_again(file: Path, tmp_path: Path) -> None:
    """Also where only one of the three differs."""
    credential = Credential(Secret(file=str(file)))
    credential.read()
    at = file.stat().st_mtime_ns
    file.write_text("other\n")
    os.utime(file, ns=(at, at + 10**9))
    assert credential.read() == b"other\n"
    file.write_text("longer one\n")
    os.utime(file, ns=(at, at + 10**9))
    assert credential.read() == b"longer one\n"
    (tmp_path / "new").write_text("anywhere 1\n")
    os.utime(tmp_path / "new", ns=(at, at + 10**9))
    (tmp_path / "new").replace(file)
    assert credential.read() == b"anywhere 1\n"


def test_a_file_that_is_gone_is_logged_once_until_it_is_back(file: Path) -> None:
    """By name and reason, and never by what it held."""
    credential = Credential(Secret(file=str(file)))
    with capture_logs() as logs:
        credential.read()
        file.unlink()
        for _ in range(3):
            with pytest.raises(Unreadable):
                credential.read()
        file.write_text("first\n")
        assert credential.read() == b"first\n"
    why = "No such file or directory"
    assert logs == [
        {"event": "credential cannot be read", "file": str(file), "why": why, "log_level": "warning"},
        {"event": "credential can be read again", "file": str(file), "log_level": "info"},
    ]


def test_headers_hold_what_their_secrets_hold_now(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Literals, variables and files."""
    monkeypatch.setenv("A_KEY", "from-env")
    headers = revealing({"x": "literal", "y": Secret(env="A_KEY"), "z": Secret(file=str(file))})
    assert headers() == {"x": "literal", "y": "from-env", "z": "first"}
    file.write_text("second one\n")
    assert headers()["z"] == "second one"


@pytest.mark.parametrize("content", [b"", b"\xff", b"a\nb", b"s3cret\x00"])
def test_what_is_no_header_value_is_not_sent_and_not_shown(content: bytes, file: Path) -> None:
    """A file that was emptied or mixed up fails the load, in words without its content."""
    file.write_bytes(content)
    with pytest.raises(Unreadable, match=r"^header z: its credential is wrong: expected a header value") as failed:
        revealing({"z": Secret(file=str(file))})()
    assert "s3cret" not in str(failed.value)


def test_a_header_file_that_is_gone_fails_the_load_and_is_no_defect(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The MBU is not asked; clients see the header's name, and only the log the file's."""
    file.unlink()
    mbu = Mbu("m", "http://127.0.0.1:1", 5.0, 8, 2**20, {"x-file": Secret(file=str(file))})

    async def run() -> Outcome:
        way = loader(mbu)
        [outcome] = await way.load([LoadRequest("/x")])
        await way.close()
        return outcome

    with capture_logs() as logs:
        outcome = asyncio.run(run())
    assert outcome == Failed(Reason.CONNECT, "header x-file: the file cannot be read")
    assert [entry["file"] for entry in logs] == [str(file)]
    assert not caplog.records

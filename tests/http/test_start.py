"""Starting the command: what is refused, in one clear line and with status 2, and what is not."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import redis

from tests.running import ROOT, Mbu, Running

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "http://127.0.0.1:9"
[fragments.part]
mbu = "m"
path = "/part/{id}"
[screens.home]
path = "/home/{id}"
slots = { part = "part" }
"""


def serve(folder: Path, text: str, *flags: str, env: Mapping[str, str] | None = None) -> str:
    """What a refused `aggregator serve` says; it is short, ends with 2, and no traceback."""
    (folder / "screens.toml").write_text(text)
    ports = ["--port", "0", "--admin-port", "0"]
    command = [sys.executable, "-m", "aggregator", "serve", str(folder / "screens.toml"), *ports, *flags]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), **(env or {})}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    return done.stderr


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    """It could be read in the list of processes; each line says what to use instead, and does not repeat it."""
    flags = ["--redis-url", "redis://me:hush@localhost/0", "--log-url", "redis://h/0?password=hush"]
    lines = serve(tmp_path, TEXT, *flags).splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["--redis-url", "--log-url"]
    assert all("AGGREGATOR_" in line and "-file" in line and "hush" not in line for line in lines)


def test_a_password_in_a_variable_or_file_is_used_and_not_shown(
    mbu: Mbu, redis_url: str, tmp_path: Path, id: str
) -> None:
    """Neither the output nor any command line of the service's processes holds it."""
    user = {"passwords": [f"+hush{id}"], "keys": ["*"], "channels": ["*"], "categories": ["+@all"]}
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser(f"u{id}", enabled=True, **user)
    url = f"{redis_url}?username=u{id}&password=hush{id}"
    (tmp_path / "url").write_text(url)
    env = {"AGGREGATOR_REDIS_URL": url, "AGGREGATOR_LOG_URL_FILE": str(tmp_path / "url")}
    with Running(TEXT.replace("http://127.0.0.1:9", mbu.url), env=env) as one:
        mbu.put(f"/part/{id}", 1)
        assert one.get(f"/home/{id}").status == 200
        with redis.Redis.from_url(redis_url) as client:
            assert client.exists(f"{one.namespace}:invalidations")
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
        assert "hush" not in listed + one.redis_url + one.stderr


def test_wrong_declarations_are_told_line_by_line(tmp_path: Path) -> None:
    """Each mistake by file, table and key; none is served."""
    said = serve(tmp_path, TEXT.replace('"60s"', '"60 parsecs"').replace('mbu = "m"', 'mbu = "n"'))
    assert "screens.toml" in said
    assert "fresh_for" in said
    assert "fragments.part" in said


def test_a_syntax_error_is_told_with_its_place(tmp_path: Path) -> None:
    """Line and column."""
    assert "line 3" in serve(tmp_path, "version = 1\n\n[mbus.m\n")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    """The line names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flag in ("--port", "--admin-port"):
            assert f"127.0.0.1 port {port}" in serve(tmp_path, TEXT, flag, port)

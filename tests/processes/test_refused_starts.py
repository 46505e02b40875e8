"""A start that cannot be is refused with one clear line and status 2, and leaves nothing behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fleet import KEY, declaration
from tests.running import ROOT, Running


def refused(file: Path | str, *flags: str, env: Mapping[str, str]) -> str:
    """What `serve` says on standard error as it refuses to start."""
    command = [sys.executable, "-m", "aggregator", "serve", str(file), "--port", "0", "--admin-port", "0", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=15, cwd=ROOT, env={**os.environ, **env})
    assert ended.returncode == 2, ended
    assert "Traceback" not in ended.stderr
    assert not ended.stdout
    return ended.stderr


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A right declaration."""
    (tmp_path / "screens.toml").write_text(declaration("http://127.0.0.1:9"))
    return tmp_path / "screens.toml"


def test_a_second_embedded_server_of_a_namespace(file: Path, tmp_path: Path) -> None:
    """Names the process that has it, and the ways out."""
    env = {**KEY, "XDG_RUNTIME_DIR": str(tmp_path)}
    with Running(file.read_text(), env=env, namespace="one") as service:
        said = refused(file, "--namespace", "one", env=env)
        assert f"Process {service.pid} embeds a server for namespace 'one' already" in said
        assert "--namespace" in said
        assert "--redis-url" in said
        assert service.get("/readyz").status == 200


@pytest.mark.parametrize("flag", ["--port", "--admin-port"])
def test_a_port_that_is_taken(flag: str, file: Path, tmp_path: Path) -> None:
    """Names address and port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(file, flag, port, env={**KEY, "XDG_RUNTIME_DIR": str(tmp_path)})
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 1\n[mbus", "line 2"),
        ("version = 1\nspeed = 9", "speed"),
        (None, "screens.toml"),
    ],
)
def test_a_wrong_file(text: str | None, words: str, file: Path) -> None:
    """One that is no TOML, one that is no declaration, one that is not there."""
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    assert words in refused(file, env=KEY)


def test_a_publisher_without_its_key(file: Path) -> None:
    """Names the variable that is not set."""
    assert "PROOF_KEY" in refused(file, env={"PROOF_KEY": ""})


DYING = """
import os
import sys
import tomllib
if any("aggregator.process.worker" in word for word in sys.orig_argv):
    os._exit(3)
screens = tomllib.loads({text!r})
"""


def test_workers_that_all_end_at_once(tmp_path: Path) -> None:
    """They are not started again for ever: `serve` says so, and leaves nothing running."""
    (tmp_path / "dying.py").write_text(DYING.format(text=declaration("http://127.0.0.1:9")))
    env = {**KEY, "XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    said = refused("dying:screens", "--workers", "2", env=env)
    assert said.splitlines()[-1] == "the workers end as soon as they start; the log above says why"


def test_a_ca_file_without_a_certificate(file: Path, tmp_path: Path) -> None:
    """It is the parent that says so, before any worker is started."""
    (tmp_path / "ca.pem").write_text("not one\n")
    file.write_text(file.read_text().replace("[mbus.raced]\n", '[mbus.raced]\nca_file = "ca.pem"\n'))
    assert "[mbus.raced] ca_file: the file " in refused(file, env=KEY)

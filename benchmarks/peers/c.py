"""What is written in C, compiled when it is needed."""

import subprocess
from pathlib import Path

from benchmarks.peers.peer import HERE, lacks_programs

why_missing = lacks_programs("apt-get install gcc libc6-dev", "gcc")


def compiled(name: str, folder: Path) -> Path:
    """The program of benchmarks/peers/NAME.c."""
    made = folder / name
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", made, HERE / f"{name}.c"], check=True)
    return made

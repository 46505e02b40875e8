"""`python -m benchmarks.peers.asgi MODULE PORT SITE…`: a peer's ASGI application on uvicorn, as fast as that goes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from importlib import import_module
from pathlib import Path

import uvicorn

from benchmarks.fleet import Site
from benchmarks.processes import Server, free_port, serving


@contextmanager
def start(module: str, kind: str, site: Site, before: Sequence[str] = ()) -> Iterator[Server]:
    """`app(site, kind)` of benchmarks.peers.MODULE, in a process of its own."""
    port = free_port()
    command = [*before, sys.executable, "-m", "benchmarks.peers.asgi", module, kind, port, *astuple(site)]
    with serving(command, port, log=site.folder / f"{module}.log") as server:
        yield server


def main() -> None:
    """Serve until killed."""
    module, kind, port, folder, mbus, redis = sys.argv[1:]
    app = import_module(f"benchmarks.peers.{module}").app(Site(Path(folder), int(mbus), redis), kind)
    uvicorn.run(
        app,
        port=int(port),
        http="httptools",
        loop="uvloop",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()

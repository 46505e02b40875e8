"""Varnish: a folder of its own, views in memory, one pool of threads, no log but the one in shared memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from string import Template

from benchmarks.fleet import Site
from benchmarks.peers.peer import HERE, Peer, lacks_programs, program
from benchmarks.processes import Server, free_port, serving

_THREADS = {"thread_pools": 1, "thread_pool_min": 100, "thread_pool_max": 100}


@contextmanager
def start(site: Site) -> Iterator[Server]:
    """Its child answers, its manager watches; both are counted."""
    folder, port = site.folder / "varnish", free_port()
    folder.mkdir()
    folder.chmod(0o755)  # the child is another user
    rules = folder / "rules.vcl"
    rules.write_text(Template((HERE / "varnish.vcl").read_text()).substitute(origin=site.mbus))
    options = [word for name, value in _THREADS.items() for word in ("-p", f"{name}={value}")]
    listening = ["-a", f"127.0.0.1:{port}", "-T", "none", "-n", folder, "-s", "malloc,1g", "-f", rules]
    command = [program("varnishd"), "-F", *listening, *options]
    with serving(command, port, log=folder / "log") as server:
        yield server


PEER = Peer("Varnish", lacks_programs("apt-get install varnish", "varnishd"), start, b"cache-status: varnish;hit", True)

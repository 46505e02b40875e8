"""nginx: one worker of its own, in the foreground, from a configuration of ours."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from string import Template

from benchmarks.fleet import Site
from benchmarks.peers.peer import HERE, Peer, lacks_programs, program
from benchmarks.processes import Server, free_port, serving

_MODULES = Path("/usr/lib/nginx/modules")
_INSTALL_LUA = "apt-get install nginx libnginx-mod-http-lua lua-resty-core lua-resty-lrucache"


@contextmanager
def start(name: str, site: Site, before: Sequence[str] = ()) -> Iterator[Server]:
    """nginx with benchmarks/peers/NAME.conf."""
    folder, port = site.folder / name, free_port()
    folder.mkdir(exist_ok=True)
    told = {"folder": folder, "port": port, "origin": site.mbus, "here": HERE, "modules": _MODULES}
    told["head"] = Template((HERE / "nginx.conf").read_text()).substitute(told)
    (folder / "nginx.conf").write_text(Template((HERE / f"{name}.conf").read_text()).substitute(told))
    # What looks into the process has to have begun it.
    alone = ["-g", "master_process off;"] if before else []
    command = [*before, program("nginx"), "-p", folder, "-c", folder / "nginx.conf", *alone]
    with serving(command, port, log=folder / "log") as server:
        yield server


def lua(site: Site, before: Sequence[str] = ()) -> AbstractContextManager[Server]:
    """An L1 by hand. before: what runs it, such as valgrind."""
    return start("nginx_lua", site, before)


def _no_lua() -> str | None:
    here = program("nginx") and (_MODULES / "ngx_http_lua_module.so").exists()
    return None if here and Path("/usr/share/lua/5.1/resty/lrucache.lua").exists() else _INSTALL_LUA


LUA = Peer("nginx + Lua + lrucache", _no_lua, lua, b"cache-status: lua;hit", revalidates=True)
PROXY_CACHE = Peer(
    "nginx proxy_cache",
    lacks_programs("apt-get install nginx", "nginx"),
    partial(start, "nginx_proxy"),
    b"cache-status: nginx;hit",
    revalidates=True,
)

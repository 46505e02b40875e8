"""Who says that they forward a request is believed about nothing but its client, and only if that is declared."""

from collections.abc import Iterator
from typing import NamedTuple

import orjson
import pytest

from tests.http.conftest import PLAIN
from tests.running import Mbu, Running, until

CANARY = "canary7f3a"
_NAMES = """x-forwarded-host x-forwarded-server x-forwarded-proto x-forwarded-scheme x-forwarded-port x-forwarded-prefix
x-forwarded-path x-forwarded-uri x-forwarded-for x-forwarded-ssl x-forwarded-by x-host x-original-host x-original-url
x-rewrite-url x-http-host-override x-http-destinationurl x-real-ip x-client-ip true-client-ip cf-connecting-ip
x-proxy-url x-url-scheme x-arr-log-id front-end-https via base-url request-uri x-forwarded"""
LINES = [*(f"{name}: {CANARY}" for name in _NAMES.split()), f"forwarded: for={CANARY};host={CANARY};proto={CANARY}"]
TARGETS = [f"http://{CANARY}/card/$ID", f"https://{CANARY}:8443/card/$ID"]
HOSTS = [CANARY, f"{CANARY}:99999", f"x, {CANARY}"]
VARIANTS = [
    *(("/card/$ID", "x", line) for line in LINES),
    *((target, "x", "x-y: z") for target in TARGETS),
    *(("/card/$ID", host, "x-y: z") for host in HOSTS),
]


class World(NamedTuple):
    """A service. client: who its access log has to say that asks, in what is forwarded."""

    running: Running
    client: str


@pytest.fixture(scope="module", params=[("", "127.0.0.1"), ("127.0.0.0/8", "198.51.100.1")])
def world(mbu: Mbu, redis_url: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """One that believes nobody, and one that believes whoever asks in these tests."""
    proxies, client = request.param
    flags = ["--access-log", "1", *(["--trusted-proxies", proxies] if proxies else [])]
    with Running(PLAIN.replace("$MBU", mbu.url), redis_url, flags=flags) as running:
        yield World(running, client)


@pytest.mark.parametrize(("target", "host", "line"), VARIANTS)
def test_s04_no_host_or_scheme_is_in_an_answer(
    world: World, mbu: Mbu, id: str, target: str, host: str, line: str
) -> None:
    """Neither in its own nor in the next one, and no MBU sees one: nothing here uses them, whoever sends them."""
    assert len(VARIANTS) >= 30
    mbu.forget()
    mbu.put(f"/base/part/{id}/end", {"of": id})
    asked = f"GET {target.replace('$ID', id)} HTTP/1.1\r\nhost: {host}\r\n{line}\r\nconnection: close\r\n\r\n".encode()
    said = world.running.raw(asked)
    assert said.startswith(b"HTTP/1.1 ")
    assert CANARY.encode() not in said
    for _ in range(2):
        got = world.running.get(f"/card/{id}")
        assert (got.status, got.json) == (200, {"data": {"part": {"of": id}}})
        assert CANARY not in str(got)
    assert CANARY not in str(mbu.seen)


@pytest.mark.parametrize("path", ["/card/$ID", "/nosuch"])
@pytest.mark.parametrize("more", [{}, {"connection": "close"}])
def test_the_access_log_names_who_asked(world: World, mbu: Mbu, id: str, path: str, more: dict[str, str]) -> None:
    """As the declared proxy says it, on every path: out of L1, composed and refused; else whoever is connected."""
    mbu.put(f"/base/part/{id}/end", 1)
    said = {"x-request-id": id, "x-forwarded-for": "203.0.113.9, 198.51.100.1", "forwarded": "for=203.0.113.9"}
    for _ in range(2):
        world.running.get(path.replace("$ID", id), said | more)
    lines = until(lambda: _logged(world.running, id), "both are logged")
    assert {line["client"] for line in lines} == {world.client}


def _logged(running: Running, id: str) -> list[dict[str, str]] | None:
    lines = [orjson.loads(line) for line in running.stderr.splitlines() if f'"request_id": "{id}"' in line]
    found = [line for line in lines if line["event"] == "request"]
    return found if len(found) == 2 else None

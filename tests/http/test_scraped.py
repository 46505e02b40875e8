"""What a stranger can read of the service's own state names nobody, whoever asked for whatever before."""

import asyncio
import time
from collections.abc import Iterator

import orjson
import pytest

from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.samples.tokens import SECRET, bearer
from tests.scale import scale

CANARY = "canary7f3a"
SCREENS = 20
TEXT = """
version = 1
[defaults]
fresh_for = "60s"
absent_for = "5s"
[viewer]
keys = [{ algorithm = "HS256", secret_env = "TOKENS" }]
[mbus.m]
url = "$MBU"
[publishers.users]
key_env = "USERS_KEY"
tags = ["user:*", "viewer:*"]
[fragments.user]
mbu = "m"
path = "/user/{id}"
tags = ["user:{id}"]
[fragments.cart]
mbu = "m"
path = "/cart/{viewer.sub}"
[fragments.found]
mbu = "m"
path = "/found?q={query.q}"
[fragments.theme]
mbu = "m"
path = "/theme/{cookie.theme}"
headers = { x-name = "{header.x-name}" }
"""
SCREEN = """
[screens.s{n}]
path = "/s{n}/{{id}}"
query = {{ q = {{ default = "" }} }}
cookies = ["theme"]
headers = ["x-name"]
slots = {{ user = "user", cart = "cart", found = "found", theme = "theme" }}
"""
ENV = {"TOKENS": SECRET.decode(), "USERS_KEY": f"{CANARY}-key"}
PAGES = ("/metrics", "/healthz", "/readyz", "/openapi.json", "/", "/metrics/", "/favicon.ico")


@pytest.fixture(scope="module")
def running(mbu: Mbu) -> Iterator[Running]:
    """Two workers, with a server of their own."""
    text = TEXT.replace("$MBU", mbu.url) + "".join(SCREEN.format(n=n) for n in range(SCREENS))
    with Running(text, workers=2, env=ENV) as one:
        yield one


async def visits(running: Running, mbu: Mbu, names: list[str]) -> None:
    """Each asks for every screen, for some that are none, and changes."""
    async with Client(running.url) as client, Client(running.admin_url) as admin:
        for number, name in enumerate(names):
            mbu.put(f"/user/{name}", {"of": name}, status=(200, 200, 404, 500)[number % 4])
            mbu.put(f"/cart/{name}", {"of": name}, headers={"cache-tag": f"cart:{name}"})
            headers = {
                "authorization": bearer({"sub": name, "exp": time.time() + 600}),
                "cookie": f"theme={name}",
                "x-name": name,
                "x-request-id": name,
            }
            asked = [f"/s{screen}/{name}?q={name}" for screen in range(SCREENS)] + [f"/{name}", f"/s0/{name}/{name}"]
            got = [await client.ask(path, headers=headers) for path in asked]
            assert [one.status for one in got] == [200] * SCREENS + [404] * 2
            body, key = orjson.dumps({"tags": [f"user:{name}"], "id": name}), f"Bearer {CANARY}-key"
            assert (await admin.ask("/invalidations", "POST", body, {"authorization": key})).status == 202
            assert (await admin.ask("/invalidations", "POST", body, {"authorization": f"Bearer {name}"})).status == 401


def series(running: Running) -> set[bytes]:
    """Names and labels of what is measured."""
    lines = running.get("/metrics", admin=True).body.splitlines()
    return {line.rpartition(b" ")[0] for line in lines if not line.startswith(b"#")}


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_s28_no_page_names_a_viewer_a_path_or_a_key(running: Running, mbu: Mbu) -> None:
    """Nor any of either listener that is none; and there are no more series for more viewers, paths and tags."""
    names = [f"{CANARY}-{number}" for number in range(scale(16, 1_000))]
    half = len(names) // 2
    asyncio.run(visits(running, mbu, names[:half]))
    before = series(running)
    asyncio.run(visits(running, mbu, names[half:]))
    after = series(running)
    print(f"{len(after)} series after {len(names)} viewers on {SCREENS} screens")
    assert len(after) <= 1_000
    # Buckets and outcomes that were not met before are new; nothing else is.
    assert {line.partition(b"{")[0] for line in after} == {line.partition(b"{")[0] for line in before}
    assert len(after) - len(before) < half
    for path in PAGES:
        for admin in (True, False):
            for accept in ("*/*", "application/openmetrics-text; version=1.0.0"):
                got = running.get(path, {"accept": accept}, admin=admin)
                assert CANARY not in str(got), path
    assert [running.get(path).status for path in ("/audit", "/explain?target=/")] == [404, 404], "the admin listener's"

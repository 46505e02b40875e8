"""Who is somebody else now, or nobody any more, is seen as that: by the claims they bring, and by what is published."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.raw_client import Client
from tests.running import Mbu, Running
from tests.samples.tokens import SECRET, bearer

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
stale_if_error = "60s"
[viewer]
keys = [{ algorithm = "HS256", secret_env = "TOKENS" }]
[mbus.m]
url = "$MBU"
[fragments.rights]
mbu = "m"
path = "/rights/{viewer.sub}"
serve_overtaken_on_error = "60s"
[fragments.menu]
mbu = "m"
path = "/menu/{viewer.role}"
[screens.panel]
path = "/panel"
slots = { rights = "rights" }
[screens.menu]
path = "/menu"
slots = { menu = "menu" }
[publishers.users]
key_env = "USERS_KEY"
tags = ["viewer:*"]
"""
WITHIN = 0.25
ENV = {"TOKENS": SECRET.decode(), "USERS_KEY": "users-key"}


@pytest.fixture(scope="module")
def fleet(mbu: Mbu, redis_url: str) -> Iterator[tuple[Running, Running]]:
    """Two services that share L2 and log."""
    text = TEXT.replace("$MBU", mbu.url)
    with Running(text, redis_url, env=ENV) as one, Running(text, redis_url, env=ENV, namespace=one.namespace) as other:
        yield one, other


def viewer(subject: str, **claims: Any) -> dict[str, str]:
    """The headers of one."""
    return {"authorization": bearer({"sub": subject, "exp": time.time() + 600, **claims})}


async def changed(fleet: tuple[Running, Running], subject: str, expected: Any) -> None:
    """Publish that the viewer changed; what is begun after the bound has to be as expected, from every service."""
    body, key = orjson.dumps({"tags": [f"viewer:{subject}"]}), {"authorization": "Bearer users-key"}
    async with Client(fleet[0].admin_url) as admin:
        assert (await admin.ask("/invalidations", "POST", body, key)).status == 202
    due = time.monotonic() + WITHIN
    for service in fleet:
        async with Client(service.url) as client:
            while True:
                late = time.monotonic() > due
                rights = (await client.ask("/panel", headers=viewer(subject))).json["data"]["rights"]
                if rights == expected:
                    break
                assert not late, f"{rights} after {WITHIN} s"


def held(fleet: tuple[Running, Running], subject: str, role: str) -> None:
    """Both services answer with the role, and hold that."""
    for service in fleet:
        assert service.get("/panel", viewer(subject)).json["data"]["rights"] == role
        assert 'detail="L1"' in service.get("/panel", viewer(subject)).headers["cache-status"]


def test_s07_a_role_that_changed_is_seen_by_every_process(fleet: tuple[Running, Running], mbu: Mbu, id: str) -> None:
    """The change is published as the viewer's own tag; another viewer's answer stays."""
    other = f"{id}-other"
    for subject in (id, other):
        mbu.put(f"/rights/{subject}", "admin")
        held(fleet, subject, "admin")
    mbu.put(f"/rights/{id}", "guest")
    asyncio.run(changed(fleet, id, "guest"))
    held(fleet, other, "admin")
    assert mbu.calls[f"/rights/{other}"] == 1


def test_s07_who_is_nobody_any_more_is_given_nothing_of_before(
    fleet: tuple[Running, Running], mbu: Mbu, id: str
) -> None:
    """Though the MBU fails, and the fragment would let what was overtaken stand in."""
    mbu.put(f"/rights/{id}", "admin")
    held(fleet, id, "admin")
    mbu.put(f"/rights/{id}", None, status=500)
    asyncio.run(changed(fleet, id, None))


def test_s07_another_role_in_the_token_is_another_answer_at_once(
    fleet: tuple[Running, Running], mbu: Mbu, id: str
) -> None:
    """It is a part of the key, so that nothing has to be published; the old token's answer is no one else's."""
    for role in ("admin", "guest"):
        mbu.put(f"/menu/{role}-{id}", role)
    for service in fleet:
        for role in ("admin", "guest", "admin"):
            assert service.get("/menu", viewer(id, role=f"{role}-{id}")).json["data"] == {"menu": role}


def test_s07_a_token_that_is_over_is_nobodys(fleet: tuple[Running, Running], mbu: Mbu, id: str) -> None:
    """Though what it was shown is held still."""
    mbu.put(f"/rights/{id}", "admin")
    held(fleet, id, "admin")
    for service in fleet:
        assert service.get("/panel", viewer(id, exp=time.time() - 1)).status == 401
        assert service.get("/panel").status == 401

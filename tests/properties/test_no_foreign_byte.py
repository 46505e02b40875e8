"""A thousand viewers on twenty screens at once, with failures and callers that leave: nobody gets another's byte."""

import asyncio
import random
import re
from typing import Any

import jwt
import orjson
import pytest

from aggregator.app import Service
from aggregator.clock import FleetClock
from aggregator.declaration.read import declare_raw
from aggregator.invalidation.local import LocalLog
from aggregator.model.catalogue import Catalogue
from aggregator.settings import Settings
from aggregator.tiers.local import LocalTier
from loaders.deadline import Deadline
from loaders.loader import Failed, Loaded, LoadRequest, Outcome, Reason
from tests.scale import scale
from tests.virtual_time import run

SECRET = "0123456789abcdef0123456789abcdef"
SCREENS = 20
# Whose an answer is stands in it in this form, wherever it was read from; in L2 beside numbers that may have any bytes.
MARK = re.compile(rb"<(v\d+(?:x\d+)?)>")
HASH = re.compile(rb"32:[0-9a-f]{32}")


class Echo:
    """An MBU that answers with whom it was asked for, sometimes late, and sometimes not at all."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def load(self, requests: list[LoadRequest]) -> list[Outcome]:
        await asyncio.sleep(self._chance.choice([0.0, 0.001, 0.02, 0.2]))
        return [self._outcome(request) for request in requests]

    async def close(self) -> None:
        pass

    def _outcome(self, request: LoadRequest) -> Outcome:
        if self._chance.random() < 0.05:
            return Failed(Reason.STATUS, "status 500", mbu_status=500)
        told = [*request.inputs.values(), *request.headers.values()]
        whose = [_whose(part) for part in told if part.startswith(("v", "Bearer "))]
        marks = [f"<{one}>" for one in whose]
        items = [{"id": f"{whose[0]}x{number}"} for number in range(3)] if whose else []
        return Loaded(
            orjson.dumps({"of": request.fragment, "marks": marks, "owner": whose[:1] or None, "items": items})
        )


def _whose(told: str) -> str:
    """The viewer that an input or a token names."""
    if not told.startswith("Bearer "):
        return told
    claims = jwt.decode(told.removeprefix("Bearer "), options={"verify_signature": False})
    return str(claims["sub"])


def catalogue() -> Catalogue:
    """Twenty screens of public and private slots, lists and fallbacks, on three MBUs."""
    private = {
        "cart": {"path": "/cart/{viewer.sub}"},
        "team": {"path": "/team/{viewer.org}"},
        "own": {"path": "/own", "forward": ["authorization"]},
        "theme": {"path": "/theme/{cookie.session}"},
        "greeting": {"path": "/greeting", "headers": {"x-name": "{header.x-name}"}},
        "user": {"path": "/user/{id}"},
        "public": {"path": "/public"},
    }
    slots: dict[str, Any] = {
        "cart": "cart",
        "team": "team",
        "own": {"fragment": "own", "fallback_fragment": "public"},
        "theme": "theme",
        "greeting": {"fragment": "greeting", "fallback": {"none": True}},
        "public": "public",
        "friends": {"fragment": "user", "each": {"id": "cart.items[*].id"}},
        "self": {"fragment": "user", "with": {"id": "viewer.sub"}},
    }
    screens = {}
    for number in range(SCREENS):
        picked = {name for at, name in enumerate(slots) if (number * 37 + 11) >> at & 1} | {"cart", "public"}
        # Every fourth has nothing of a viewer but what one input decides.
        picked = picked if number % 4 else {("theme", "greeting")[number // 4 % 2], "public"}
        chosen = {name: slot for name, slot in slots.items() if name in picked}
        screens[f"s{number}"] = {
            "path": f"/s{number}",
            "headers": ["x-name"],
            "cookies": ["session"],
            "slots": chosen,
            "deadline": "150ms",
        }
    found = declare_raw(
        "test",
        {
            "version": 1,
            "defaults": {"fresh_for": "1s", "stale_if_error": "5s", "stale_while_revalidate": "1s"},
            "viewer": {"keys": [{"algorithm": "HS256", "secret_env": "K"}]},
            "mbus": {f"m{number}": {"url": "http://m"} for number in range(3)},
            "fragments": {
                name: {"mbu": f"m{index % 3}", "serve_overtaken_on_error": "5s", "tags": ["all"], **table}
                for index, (name, table) in enumerate(private.items())
            },
            "screens": screens,
        },
        {"K": SECRET},
    )
    return found.catalogue


class Crowd:
    """One process of the service, and viewers who ask it for everything at once."""

    def __init__(self, seed: int, viewers: int) -> None:
        self.chance = random.Random(seed)
        self.viewers = viewers
        self.marks = 0
        self.left = 0
        self.kept: list[bytes] = []

    async def meet(self) -> None:
        loop = asyncio.get_running_loop()
        tier, log = LocalTier(loop.time, latency=0.0005), LocalLog(lambda: 1_000_000.0 + loop.time())
        loaders = {f"m{number}": Deadline(Echo(self.chance), 0.5) for number in range(3)}
        clock = FleetClock(loop.time, wall=1_000_000.0)
        self.service = Service(catalogue(), Settings(), tier, log, loaders, clock, draw=lambda: 1.0)
        self.now = clock.now()
        running = loop.create_task(self.service.run())
        await self.service.follower.caught_up.wait()
        for _ in range(3):
            await asyncio.gather(*(self.visit(viewer) for viewer in range(self.viewers)))
            await log.append(["all"])
        self.kept = [tier.blobs.get(name) or b"" for name in tier.blobs]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await self.service.close()

    async def visit(self, viewer: int) -> None:
        """Ask for some screens, and perhaps leave before they come."""
        me = f"v{viewer}"
        claims = {"sub": me, "org": f"v{viewer}", "exp": self.now + 1e6}
        headers = {
            "authorization": f"Bearer {jwt.encode(claims, SECRET, 'HS256')}",
            "cookie": f"a=b; session={me}",
            "x-name": me,
        }
        for screen in self.chance.sample(range(SCREENS), scale(4, SCREENS)):
            asking = asyncio.create_task(self.ask(f"/s{screen}", headers))
            if self.chance.random() < 0.1:
                await asyncio.sleep(self.chance.choice([0.0, 0.001, 0.05]))
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                self.left += 1
                continue
            status, body = await asking
            assert status == 200, (status, body)
            marks = set(MARK.findall(body))
            self.marks += len(marks)
            assert all(mark == me.encode() or mark.startswith(f"{me}x".encode()) for mark in marks), (me, body)

    async def ask(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        await self.service.app(scope, None, send)  # type: ignore[arg-type]
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_s06_nobody_gets_anothers_byte(monkeypatch: Any) -> None:
    """Whatever is shared between them, joined, cancelled, stale or standing in."""
    monkeypatch.setenv("K", SECRET)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    crowd = Crowd(seed, scale(150, 1_000))
    run(crowd.meet())
    assert crowd.marks > 5 * crowd.viewers
    assert crowd.left > crowd.viewers / 10
    private = [blob for blob in crowd.kept if MARK.search(blob)]
    print(f"{crowd.marks} marks read, {len(private)} entries with marks in L2")
    assert len(private) > crowd.viewers
    for blob in private:
        owners = {mark.partition(b"x")[0] for mark in MARK.findall(blob)}
        [owner] = owners
        # Its identity names the viewer, or has a hash that stands for what they sent.
        assert re.search(rb"\d:%b(?!\d)" % owner, blob) or HASH.search(blob), blob

"""A fleet for the proofs over several processes: services of one namespace, eight MBUs, a publisher."""

import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import orjson
import redis.asyncio

from tests.raw_client import Client
from tests.running import Mbu, Running

NAMES = tuple(f"part{number}" for number in range(8))
KEY = {"PROOF_KEY": "a-key-for-proofs"}

Publish = Callable[[Sequence[str]], Awaitable[None]]

_HEAD = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "5s"
max_in_flight_per_process = 256
[publishers.proof]
key_env = "PROOF_KEY"
tags = ["*"]
"""
_MBU = """
[mbus.{name}]
url = "{url}/{name}"
[fragments.{name}]
mbu = "{name}"
path = "/of/{{id}}"
tags = ["{name}:{{id}}"]
"""
# The same fragment by what it is tagged with: a tag known beforehand, or only those that its payload names.
_RACED = """
[mbus.raced]
url = "{url}"
[fragments.known]
mbu = "raced"
path = "/known/{{id}}"
tags = ["known:{{id}}"]
[fragments.learned]
mbu = "raced"
path = "/learned/{{id}}"
tags_from = "ids[*]"
tags_from_prefix = "seen:"
[screens.known]
path = "/screens/known/{{id}}"
slots = {{ raced = "known", beside = "part0" }}
[screens.learned]
path = "/screens/learned/{{id}}"
slots = {{ raced = "learned", beside = "part0" }}
"""


def declaration(mbu_url: str) -> str:
    """The screen /home/{id} of eight fragments, each of an MBU of its own at `/<name>`, and two screens to race on."""
    parts = "".join(_MBU.format(name=name, url=mbu_url) for name in NAMES)
    slots = "".join(f'{name} = "{name}"\n' for name in NAMES)
    home = f'[screens.home]\npath = "/home/{{id}}"\n[screens.home.slots]\n{slots}'
    return _HEAD + parts + home + _RACED.format(url=mbu_url)


def target(name: str, id: str) -> str:
    """Where the MBU of that name is asked."""
    return f"/{name}/of/{id}"


def fill(mbu: Mbu, id: str, latency: float = 0.0) -> None:
    """Give every part of a home screen a value."""
    for name in NAMES:
        mbu.put(target(name, id), {"name": name, "v": 0}, latency=latency)


@contextmanager
def fleet(mbu: Mbu, redis_url: str, count: int = 2, workers: int = 1) -> Iterator[list[Running]]:
    """`count` services on one Redis."""
    namespace = f"t{uuid.uuid4().hex[:12]}"
    with ExitStack() as stack:
        services = [Running(declaration(mbu.url), redis_url, workers, KEY, namespace=namespace) for _ in range(count)]
        yield [stack.enter_context(service) for service in services]


def by_http(admin: Client) -> Publish:
    """Publishes by POST /invalidations; returns on 202."""

    async def publish(tags: Sequence[str]) -> None:
        headers = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}
        got = await admin.ask("/invalidations", "POST", orjson.dumps({"tags": list(tags)}), headers)
        assert got.status == 202, got

    return publish


def by_xadd(client: "redis.asyncio.Redis", namespace: str) -> Publish:
    """Publishes as an MBU in any language would."""

    async def publish(tags: Sequence[str]) -> None:
        await client.xadd(f"{namespace}:invalidations", {"tags": orjson.dumps(list(tags)).decode()})

    return publish

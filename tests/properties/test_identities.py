"""Very many requests that look alike: no two of them have one key, and where names in Redis are the same it does not
matter."""

import random
from hashlib import blake2b

import orjson
import pytest

from aggregator.model.inputs import Inputs
from aggregator.model.route import Route
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from tests.scale import scale
from tests.virtual_time import run
from tests.world import World, fragment, screen

# What separates parts, in keys and elsewhere; so few that very many of the requests differ in where it stands alone.
PIECES = ["", "a", ":", "1:a", "0:", "/", "{", "%2F", "\u0301"]
PART = fragment("f", path=Template.parse("/x/{a}/{b}?c={c}"), tags=())
SCREENS = [
    Screen(name, Route.parse(path), (Slot("x", PART),))
    for name in ("s", "s:a", "1:s")
    for path in ("/s/{a}/{b}/{c}", "/s/{c}/{b}/{a}")
]
IDS = [str(number) for number in range(scale(300, 2_000))]


@pytest.fixture
def chance() -> random.Random:
    """Its seed is printed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


@pytest.mark.prove
@pytest.mark.timeout(590)
def test_r45_no_two_of_very_many_requests_have_one_key(chance: random.Random) -> None:
    """Every pair of them is compared: n draws are n²/2 pairs."""
    seen: dict[bytes, tuple[str, ...]] = {}
    names: dict[str, bytes] = {}
    for _ in range(scale(5_000, 300_000)):
        screen, values = chance.choice(SCREENS), {name: "".join(chance.choices(PIECES, k=2)) for name in "abc"}
        identity, request = screen.identity(Inputs(values)), (screen.name, *values.values())
        assert seen.setdefault(identity, request) == request
        assert names.setdefault(screen.key("n", identity).name, identity) == identity
    print(f"{len(seen)} different requests, {len(seen) * (len(seen) - 1) // 2} pairs")


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_r45_names_that_are_the_same_by_chance_give_no_wrong_body(
    chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 8 bits of a hash in names most entries share theirs with others: what is found is another's, and a miss."""
    monkeypatch.setattr("aggregator.model.keys.blake2b", lambda identity, digest_size: blake2b(identity, digest_size=1))
    home = screen(Slot("user", fragment("user"), required=True))

    async def story() -> int:
        async with World(home, processes=2) as world:
            for id in IDS:
                world.put("user", id, id)
            for id in chance.choices(IDS, k=4 * len(IDS)):
                answer = await chance.choice(world.processes).get(id)
                assert orjson.loads(answer.view.body) == {"data": {"user": id}}
            return len(list(world.tier.blobs))

    assert run(story()) <= 2 * 256

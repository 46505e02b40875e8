"""Who can write to Redis breaks no answer: what L2 holds is read as data, and taken for what it was stored as."""

import pickle
import random
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pytest
import redis

from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.scale import scale


class Fires:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._path,)


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """It holds next to nothing in L1, so that each answer is read from L2."""
    flags = ["--l1-bytes", "1B"]
    with Running(ONE_PART.replace("$MBU", mbu.url), redis_url, env={"KEY": "k"}, flags=flags) as one:
        yield one


@pytest.fixture
def client(running: Running) -> Iterator[redis.Redis]:
    """The server of L2."""
    with redis.Redis.from_url(running.redis_url) as one:
        yield one


def entries(running: Running, client: redis.Redis, kind: str) -> list[bytes]:
    """The names of what L2 holds of a kind."""
    names = client.scan_iter(f"{running.namespace}:{kind}:*", count=1_000)
    return sorted(name for name in names if not name.endswith(b":lease"))


def stored(running: Running, mbu: Mbu, client: redis.Redis, id: str) -> list[bytes]:
    """The names of a view and its part that have just been stored, with what they are called by."""
    before = {*entries(running, client, "view"), *entries(running, client, "fragment")}
    mbu.put(f"/part/{id}", {"of": id})
    assert running.get(f"/home/{id}").json == {"data": {"part": {"of": id}}}
    found = lambda: [n for kind in ("view", "fragment") for n in entries(running, client, kind) if n not in before]  # noqa: E731
    return list(until(lambda: len(new := found()) == 2 and new, "both are stored"))


def blobs(chance: random.Random, genuine: bytes, path: Path) -> Iterator[bytes]:
    """What somebody else may have put there: pickles, other codings, and what was stored, damaged."""
    fires = Fires(path)
    yield from (pickle.dumps(fires, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    yield from (
        b"",
        b"\x00",
        b"null",
        b"[" * 100_000,
        b"\x91" * 100_000,
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
    )
    yield from map(msgpack.packb, (None, [], {}, [1] * 9, {"payload": pickle.dumps(fires)}, b"x" * 100_000))
    while True:
        changed = bytearray(genuine)
        for _ in range(chance.choice([1, 1, 2, 8])):
            match chance.randrange(3):
                case 0:
                    changed[chance.randrange(len(changed))] = chance.randrange(256)
                case 1:
                    del changed[chance.randint(1, len(changed)) :]
                case _:
                    at = chance.randrange(len(changed))
                    changed[at:at] = chance.randbytes(chance.choice([1, 4, 64]))
        yield bytes(changed)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_s26_what_is_put_into_l2_is_never_run_nor_answered(
    running: Running, mbu: Mbu, client: redis.Redis, id: str, tmp_path: Path
) -> None:
    """Each blob in the place of view and part: the answer is right, no 5xx, and no pickle is opened."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    names = stored(running, mbu, client, id)
    genuine = client.get(names[0]) or b""
    chance, fired = random.Random(seed), tmp_path / "fired"
    rounds = scale(150, 5_000)
    for _, blob in zip(range(rounds), blobs(chance, genuine, fired), strict=False):
        client.mset(dict.fromkeys(names, blob))
        got = running.get(f"/home/{id}")
        assert (got.status, got.json) == (200, {"data": {"part": {"of": id}}})
    # What is stored behind an answer may come later than the next blob, which is then not met.
    assert mbu.calls[f"/part/{id}"] > rounds / 4
    print(f"{rounds} blobs, {mbu.calls[f'/part/{id}']} loads")
    assert not fired.exists()
    pickle.loads(pickle.dumps(Fires(fired)))
    assert fired.exists()


def test_s27_what_was_stored_for_another_is_nobodys(running: Running, mbu: Mbu, client: redis.Redis, id: str) -> None:
    """Each entry of one copied to the place of each of the other's: a miss, and loaded again."""
    for at, name in enumerate(stored(running, mbu, client, f"{id}-theirs")):
        ours = f"{id}-ours-{at}"
        names = stored(running, mbu, client, ours)
        client.mset(dict.fromkeys(names, client.get(name)))
        mbu.forget()
        assert running.get(f"/home/{ours}").json == {"data": {"part": {"of": ours}}}
        assert mbu.calls == {f"/part/{ours}": 1}
        until(lambda names=names: client.exists(*names) == 2, "both are stored again")

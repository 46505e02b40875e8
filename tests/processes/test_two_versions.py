"""While a fleet goes over to a version of the program that keeps entries otherwise, each has its own entries."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import ROOT, Mbu, Running
from tests.samples.one_part import ONE_PART

VERSION, NEXT = "\nVERSION = 2\n", "\nVERSION = 3\n"
IDS = [str(number) for number in range(10)]
READS, CHANGES = 5, 6


@pytest.fixture
def next_version(tmp_path: Path) -> dict[str, str]:
    """The environment in which `python -m aggregator` is the next version: the same program, another envelope."""
    for package in ("aggregator", "cache_policies", "loaders"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "aggregator/model/keys.py"
    assert file.read_text().count(VERSION) == 1
    file.write_text(file.read_text().replace(VERSION, NEXT))
    return {"PYTHONPATH": str(tmp_path), "PYTHONSAFEPATH": "1"}


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """It counts anew."""
    with Mbu() as one:
        yield one


@pytest.fixture
def versions(mbu: Mbu, redis_url: str, next_version: dict[str, str]) -> Iterator[list[Running]]:
    """A service of each version, on one Redis. L1 is too small for any view, so that every read is one of L2, which
    may take its time."""
    text, flags = ONE_PART.replace("$MBU", mbu.url), ["--l1-bytes", "1KiB", "--l2-budget", "2s"]
    with (
        Running(text, redis_url, env={"KEY": "k"}, flags=flags) as old,
        Running(text, redis_url, env={"KEY": "k", **next_version}, flags=flags, namespace=old.namespace) as new,
    ):
        yield [old, new]


def test_r38_two_versions_on_one_redis_keep_their_hits_and_share_invalidations(
    mbu: Mbu, versions: list[Running]
) -> None:
    """Read in turn, each loads a part once, and once more after each change, whichever of them was told of it."""
    for change in range(CHANGES):
        for id in IDS:
            mbu.put(f"/part/{id}", change)
            told = versions[change % 2]
            body = b'{"tags":["part:%b"]}' % id.encode()
            got = told.get("/invalidations", {"authorization": "Bearer k"}, "POST", body, admin=True)
            for service in versions:
                # What is loaded before it has come here is loaded again.
                answer = service.get(f"/home/{id}", {"aggregator-min-position": got.json["position"]})
                assert answer.json["data"] == {"part": change}
        for _ in range(READS):
            for id in IDS:
                for service in versions:
                    assert 'detail="L2"' in service.get(f"/home/{id}").headers["cache-status"]
    assert {mbu.calls[f"/part/{id}"] for id in IDS} == {2 * CHANGES}

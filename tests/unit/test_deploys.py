"""Deploys: what is asked for is done once, one thing at a time, and what cannot be done leaves everything as it is."""

import asyncio
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from aggregator.declaration.read import Declared, declare_raw
from aggregator.http.publishing import Publishers
from aggregator.invalidation.nonces import Nonces
from aggregator.mistakes import Mistake, Mistaken
from aggregator.model.catalogue import Secret
from aggregator.process.deploys import Declaring, Deploys
from aggregator.settings import Settings
from tests.samples.right import ENVIRON, RIGHT
from tests.virtual_time import run

KEY = b"k" * 16


def declared(old: str = "", new: str = "") -> Declared:
    """The right declaration, with a text in it replaced."""
    text = RIGHT.replace(old, new)
    return replace(declare_raw("screens.toml", tomllib.loads(text), ENVIRON), content=text.encode())


class Scripted:
    """Workers that take a second for everything. refuses: why they do not go over."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.did: list[str] = []

    async def reload(self, content: bytes) -> str:
        """Note which declaration it is."""
        return await self._note(f"reload {len(content)}")

    async def replace(self, seconds: float) -> str:
        """Note it."""
        return await self._note("replace")

    async def _note(self, what: str) -> str:
        self.did.append(what)
        await asyncio.sleep(1)
        return self.refuses


class Stage:
    """Deploys of `now`, where the file says `then`."""

    def __init__(self, now: Declared, then: Declared | Mistaken, refuses: str = "", **settings: Any) -> None:
        self.workers, self.then, self.settings = Scripted(refuses), then, Settings(**settings)
        self.publishers = Publishers(now.catalogue.publishers.values(), Nonces(None, "n"))  # type: ignore[arg-type]
        read = None if not now.content else self._read
        self.deploys = Deploys(Declaring(now, Settings()), None, read, self.workers, self.publishers)  # type: ignore[arg-type]

    def _read(self) -> Declaring:
        if isinstance(self.then, Mistaken):
            raise self.then
        return Declaring(self.then, self.settings)

    def after(self, *wanted: str) -> list[Any]:
        """Play: what is wanted, by name, half a second apart. Gives what was logged."""

        async def play() -> None:
            running = asyncio.create_task(self.deploys.run())
            for name in wanted:
                getattr(self.deploys, name)()
                await asyncio.sleep(0.5)
            await asyncio.sleep(10)
            running.cancel()

        with capture_logs() as logs:
            run(play())
        return logs

    def paths(self) -> set[str]:
        """Those of the screens that are declared."""
        return set(self.deploys.openapi()["paths"])


OTHER = declared("/screens/home/", "/screens/house/")


def test_a_changed_declaration_takes_the_place_of_the_one_before() -> None:
    """In the workers and then in the description."""
    stage = Stage(declared(), OTHER)
    assert stage.paths() == {"/screens/home/{user_id}"}
    assert stage.after("reload")[-1]["event"] == "declaration reloaded"
    assert stage.paths() == {"/screens/house/{user_id}"}


@pytest.mark.parametrize(
    ("then", "refuses"), [(Mistaken([Mistake("screens.toml", "", "", "is wrong")]), ""), (OTHER, "ca.pem is gone")]
)
def test_what_is_refused_changes_nothing(then: Declared | Mistaken, refuses: str) -> None:
    """Whether the file is wrong, or a worker cannot do what it says."""
    stage = Stage(declared(), then, refuses)
    [line] = stage.after("reload")
    assert line["event"] == "declaration refused"
    assert line["mistake"] in ("screens.toml: is wrong", "ca.pem is gone")
    assert stage.paths() == {"/screens/home/{user_id}"}


def test_no_file_is_not_read_again() -> None:
    """An attribute of a module: it says what to do instead."""
    [line] = (stage := Stage(replace(declared(), content=b""), OTHER)).after("reload")
    assert "a restart reads it again" in line["why"]
    assert not stage.workers.did


def test_what_a_reload_does_not_apply_is_said() -> None:
    """Settings by name, and another key for hashes."""
    then = replace(OTHER, catalogue=replace(OTHER.catalogue, hash_key=Secret(env="NOT_THERE")))
    stage = Stage(declared(), then, l1_bytes="1MiB")
    settings, key, done = stage.after("reload")
    assert settings["settings"] == ["l1_bytes"]
    assert "key for hashes" in key["event"]
    assert done["event"] == "declaration reloaded"


def test_one_deploy_is_under_way_at_a_time() -> None:
    """What is asked for meanwhile comes after it, once however often it is asked for."""
    stage = Stage(declared(), OTHER)
    stage.after("reload", "reload", "replace", "reload", "replace")
    reload = f"reload {len(OTHER.content)}"
    assert stage.workers.did == [reload, reload, "replace", reload, "replace"]

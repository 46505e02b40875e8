"""Whoever is given a part of a request or an answer in this process may change it: nobody else's changes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson

from aggregator.model.screen import Slot
from aggregator.model.template import Template
from loaders.function import FunctionLoader
from loaders.gathering import Gathering
from loaders.loader import LoadRequest
from tests.virtual_time import run
from tests.world import World, fragment, reading, screen

HOME = screen(Slot("user", fragment("user"), required=True), Slot("posts", fragment("posts"), required=True))
# One that is asked for after the others, with an input of the request's.
LATER = reading(
    "ad", {"of": "user.first"}, fragment=fragment("ad", path=Template.parse("/ad/{id}?of={of}"), tags=()), required=True
)
IDS = [str(number) for number in range(50)]


def tampering(act: Callable[[], Any]) -> None:
    """Do what may be impossible."""
    with suppress(TypeError, AttributeError):
        act()


def test_r52_what_a_function_behind_a_fragment_changes_is_its_own_affair() -> None:
    """The inputs and headers that it is given, and later what it has returned: keys, other loads and answers are as if
    it had not. Two processes, each with functions of its own, many requests at once."""
    given: list[Any] = []

    async def changing(request: LoadRequest) -> Any:
        told = {"id": request.inputs["id"], "target": request.target, "first": 1, "list": [1]}
        tampering(lambda: request.inputs.update(id="another", more="1"))  # type: ignore[attr-defined]
        tampering(lambda: request.headers.update({"if-none-match": "x"}))  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        for one in given:
            one["list"].append(2)
            one["id"] = "another"
        given.append(told)
        return told

    async def story() -> None:
        async with World(
            screen(*HOME.slots, LATER), processes=2, around=lambda _: Gathering(FunctionLoader(changing))
        ) as world:
            for _ in range(2):
                asked = [(process, id) for process in world.processes for id in IDS]
                answers = await asyncio.gather(*(process.data(id) for process, id in asked))
                for (_, id), data in zip(asked, answers, strict=True):
                    targets = {"user": f"/user/{id}", "posts": f"/posts/{id}", "ad": f"/ad/{id}?of=1"}
                    assert data == {
                        name: {"id": id, "target": target, "first": 1, "list": [1]} for name, target in targets.items()
                    }
            assert len(given) == 3 * len(IDS)

    run(story())


def test_r52_what_a_caller_changes_of_its_answer_is_in_no_other() -> None:
    """Of one that was composed, read from L2 and held in L1, also where others asked at the same time."""

    async def story() -> None:
        async with World(HOME, processes=2) as world:
            world.put("user", 1)
            world.put("posts", 2)
            for _ in range(3):
                for process in world.processes:
                    answers = await asyncio.gather(*(process.get() for _ in range(3)))
                    bodies = [orjson.loads(answer.view.body) for answer in answers]
                    assert bodies == [{"data": {"user": 1, "posts": 2}}] * 3
                    mine = answers[0].view
                    mine.body, mine.tags, mine.digest, mine.status = b"mine", ("mine",), b"mine", 500
                    assert {answer.view.body for answer in answers[1:]} != {b"mine"}
            await world.invalidate("user:42")
            world.put("user", 3)
            assert [await process.data() for process in world.processes] == [{"user": 3, "posts": 2}] * 2

    run(story())

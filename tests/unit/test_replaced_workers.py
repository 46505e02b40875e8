"""Workers are brought to another declaration together or not at all, and replaced only by those that serve."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from aggregator.process.child import Worker
from aggregator.process.questions import Unanswered
from aggregator.process.workers import Workers
from tests.virtual_time import run

HEALTHY = {"ready": True, "vouching": True, "when_unproven": "reload", "l2": True, "lag": 0}
ORDERS = {"content": b"old", "ready_first": False, "settings": {"when_unproven": "reload"}}
Story = Callable[["Stage"], Awaitable[None]]


class Process:
    """A process that ends a second after it is told to; if it hangs, only when it is killed."""

    def __init__(self) -> None:
        self.pid, self.returncode = 1, None
        self.hangs = False
        self.told: list[int] = []
        self._end: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait(self) -> int:
        return await asyncio.shield(self._end)

    def send_signal(self, number: int) -> None:
        self.told.append(number)
        if not self.hangs or number == signal.SIGKILL:
            asyncio.get_running_loop().call_later(1.0, self.end)

    def end(self) -> None:
        """It ends."""
        if not self._end.done():
            self.returncode = 0  # type: ignore[assignment]
            self._end.set_result(0)


class Answers:
    """What a worker answers. refuses: the declaration that it does not go over to."""

    def __init__(self, refuses: bytes, listening: bool) -> None:
        self.refuses, self.listening = refuses, listening
        self.asked: list[bytes] = []
        self.loads = 1

    async def ask(self, name: str, argument: Any, within: float) -> Any:
        """See `Asker`."""
        if name == "report":
            loads = [["mbu_loads", [], self.loads]]
            return {"health": HEALTHY, "listening": self.listening, "counters": loads, "gauges": {}}
        self.asked.append(argument)
        if argument == b"hangs":
            raise Unanswered("it does not answer")
        return "no" if argument == self.refuses else ""

    def close(self) -> None:
        pass


class Stage:
    """Two workers. Those started from the third on listen if `listening`; the second refuses `refuses`."""

    def __init__(self, refuses: bytes = b"", listening: bool = True) -> None:
        self.started: list[tuple[Process, Answers, dict[str, Any]]] = []
        self.refuses, self.listening = refuses, listening
        self.workers = Workers(2, socket.socket(), ORDERS.copy())

    async def start(self, _: socket.socket, orders: dict[str, Any]) -> Worker:
        number = len(self.started)
        answers = Answers(self.refuses if number == 1 else b"", self.listening or number < 2)
        self.started.append((process := Process(), answers, dict(orders)))
        return Worker(process, answers, orders["content"])  # type: ignore[arg-type]

    async def play(self, story: Story) -> None:
        running = asyncio.create_task(self.workers.run())
        await asyncio.sleep(0.1)
        await story(self)
        running.cancel()

    async def loads(self) -> float:
        """The loads of all, also of those that have ended."""
        _, snapshots = await self.workers.fleet()
        return sum(value for snapshot in snapshots for name, _, value in snapshot["counters"] if name == "mbu_loads")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Stage, Story], None]:
    """Plays a story in virtual time."""

    def play(make: Callable[[], Stage], story: Story) -> None:
        async def main() -> None:
            stage = make()
            monkeypatch.setattr(Worker, "start", stage.start)
            await stage.play(story)

        run(main())

    return play  # type: ignore[return-value]


def test_all_go_over(on: Any) -> None:
    """And one that is started later begins there."""

    async def story(stage: Stage) -> None:
        assert await stage.workers.reload(b"new") == ""
        assert [answers.asked for _, answers, _ in stage.started] == [[b"new"], [b"new"]]
        stage.started[0][0].end()
        await asyncio.sleep(1)
        assert stage.started[2][2]["content"] == b"new"

    on(Stage, story)


@pytest.mark.parametrize("content", [b"refused", b"hangs"])
def test_where_one_does_not_go_over_none_does(content: bytes, on: Any) -> None:
    """Those that have are brought back."""

    async def story(stage: Stage) -> None:
        assert await stage.workers.reload(content)
        first, second = (answers.asked for _, answers, _ in stage.started)
        assert first[-1:] == ([b"old"] if content == b"refused" else [content])
        assert second == ([content] if content == b"refused" else [])
        assert {worker.content for worker in stage.workers._living.values()} == {b"old"}

    on(lambda: Stage(refuses=b"refused"), story)


def test_each_goes_on_until_its_successor_serves(on: Any) -> None:
    """One after another; no counter goes down, and nobody is missing meanwhile."""

    async def story(stage: Stage) -> None:
        replacing = asyncio.create_task(stage.workers.replace(10))
        before = 0.0
        while not replacing.done():
            assert (await stage.workers.fleet())[0].vouching
            now = await stage.loads()
            assert now >= before
            before = now
            await asyncio.sleep(0.05)
        assert replacing.result() == ""
        assert len(stage.started) == 4
        assert all(orders["ready_first"] for _, _, orders in stage.started[2:])
        assert [process.told for process, _, _ in stage.started] == [[signal.SIGTERM]] * 2 + [[]] * 2
        assert await stage.loads() == 4

    on(Stage, story)


def test_one_that_hangs_is_killed(on: Any) -> None:
    """It does not keep the others from being replaced."""

    async def story(stage: Stage) -> None:
        stage.started[0][0].hangs = True
        assert await stage.workers.replace(10) == ""
        assert [process.told for process, _, _ in stage.started[:2]] == [
            [signal.SIGTERM, signal.SIGKILL],
            [signal.SIGTERM],
        ]

    on(Stage, story)


def test_where_the_new_one_does_not_serve_the_old_ones_stay(on: Any) -> None:
    """It is given a minute, and then ended."""

    async def story(stage: Stage) -> None:
        assert "not ready" in await stage.workers.replace(10)
        assert [process.told for process, _, _ in stage.started] == [[], [], [signal.SIGTERM]]
        await asyncio.sleep(10)
        assert len(stage.started) == 3

    on(lambda: Stage(listening=False), story)


def test_one_that_ends_while_its_successor_starts_is_replaced_once(on: Any) -> None:
    """By the worker that takes its place at once; the other one is ended."""

    async def story(stage: Stage) -> None:
        stage.listening = False
        replacing = asyncio.create_task(stage.workers.replace(10))
        await asyncio.sleep(0.2)
        stage.started[0][0].end()
        await asyncio.sleep(1)
        for _, answers, _ in stage.started:
            answers.listening = True
        stage.listening = True
        assert await replacing == ""
        living = [process for process, _, _ in stage.started if process.returncode is None]
        assert len(living) == len(stage.workers._living) == 2

    on(Stage, story)

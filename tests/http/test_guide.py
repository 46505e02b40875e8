"""docs/guide.md does what it says: every file in it runs with real MBUs, and costs the calls that stand there."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import orjson
import pytest
import redis
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.declaration.read import declare
from tests.http.raw_answers import is_problem
from tests.running import ROOT, Got, Mbu, Running, Says, until
from tests.samples.tokens import signed

GUIDE = (ROOT / "docs" / "guide.md").read_text()
SECTIONS = re.split(r"^## ", GUIDE, flags=re.MULTILINE)[1:]
STEPS = {int(text.split(".")[0]): text for text in SECTIONS if text[0].isdigit()}
FILES = {step: re.findall(rf"```toml step={step}\n(.*?)```", text, re.DOTALL) for step, text in STEPS.items()}
CALLS = re.compile(
    r"\*\*MBU calls:\*\* first view (\d+), next view (\d+), after `(.+)` is invalidated (\d+)\.(?: Then (.+): (\d+)\.)?"
)
SECRET = "0123456789abcdef0123456789abcdef"
ENVIRON = {"ARTICLES_KEY": "a-key", "VIEWERS_SECRET": SECRET}
PAGE, NEIGHBOUR = "/screens/author/42", "/screens/author/43"


class Costs(NamedTuple):
    """What a step costs in calls, as written or as counted. rest: what else is counted there, and how much it is."""

    first: int
    again: int
    tag: str
    after: int
    rest: tuple[str, int] | None


def told(step: int) -> Costs:
    """What the step's own section says."""
    [found] = CALLS.findall(STEPS[step])
    first, again, tag, after, what, count = found
    return Costs(int(first), int(again), tag, int(after), (what, int(count)) if what else None)


def table() -> dict[int, tuple[str, Costs]]:
    """By step, its name and costs in the table at the end."""
    rows = re.findall(r"^\| (\d+)\. (.+)$", SECTIONS[-1], re.MULTILINE)
    found = {}
    for step, row in rows:
        name, first, again, tag, after, rest = (cell.strip() for cell in row.rstrip("|").split(" |"))
        what, _, count = rest.rpartition(": ")
        more = (what, int(count)) if rest else None
        found[int(step)] = name.strip(), Costs(*map(int, (first, again)), tag.strip("`"), int(after), more)
    return found


def shown(step: int, kind: str, name: str) -> str:
    """A block of the step, by what its first line calls it."""
    return STEPS[step].split(f"```{kind} {name}\n")[1].split("\n```")[0]


def test_table_and_sections_say_the_same() -> None:
    """Of every step, by its name."""
    rows = table()
    assert sorted(rows) == sorted(STEPS) == list(range(1, 13))
    for step, (name, costs) in rows.items():
        assert STEPS[step].startswith(f"{step}. {name}\n")
        assert costs == told(step)


class Shop(Mbu):
    """An MBU that says what the guide's does."""

    guide: ModuleType

    def _says(self, target: str) -> Says:
        if target in self.answers:
            return self.answers[target]
        found = self.guide.say(target, self.seen[-1].headers.get("accept-language", ""))
        return Says(orjson.dumps(found), 404 if found is None else 200)


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's shop.py."""
    folder = tmp_path_factory.mktemp("guide")
    [code] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (folder / "shop.py").write_text(code)
    return folder


@pytest.fixture(scope="module")
def shops(guide: Path) -> Iterator[dict[str, Shop]]:
    """The guide's MBUs by their ports there."""
    code = ModuleType("shop")
    exec((guide / "shop.py").read_text(), code.__dict__)
    with ExitStack() as stack:
        found = {str(port): stack.enter_context(Shop()) for port in range(9001, 9006)}
        for shop in found.values():
            shop.guide = code
        yield found


def token(subject: str) -> str:
    """The Authorization header of a viewer."""
    return "Bearer " + signed({"sub": subject, "aud": "shop", "exp": time.time() + 600}, SECRET)


class Scene:
    """A step's service, running with the MBUs."""

    def __init__(self, step: int, running: Running, shops: dict[str, Shop]) -> None:
        self.running, self.shops = running, shops
        self.viewer = "ada" if "viewer.keys" in FILES[step][0] else None
        self._called = "people.call" in FILES[step][0]
        self.first_in_process = 0

    @property
    def in_process(self) -> int:
        """Calls of an MBU in the service's process so far; none of its fragments has a batch, so each load is one."""
        lines = self.running.get("/metrics", admin=True).body.decode().splitlines() if self._called else []
        loads = [line for line in lines if line.startswith("aggregator_mbu_loads_total") and 'mbu="people"' in line]
        return sum(int(float(line.rpartition(" ")[2])) for line in loads)

    @property
    def calls(self) -> int:
        """Calls of all MBUs so far."""
        return sum(len(shop.seen) for shop in self.shops.values()) + self.in_process

    def view(self, target: str = PAGE, headers: dict[str, str] | None = None) -> Got:
        """One view, by the step's viewer if it has one."""
        own = {"authorization": token(self.viewer)} if self.viewer else {}
        return self.running.get(target, own | (headers or {}))

    def invalidate(self, tag: str) -> None:
        """As the guide does it."""
        environ = {"AGGREGATOR_REDIS_URL": self.running.redis_url, "AGGREGATOR_NAMESPACE": self.running.namespace}
        done = CliRunner(env=environ).invoke(main, ["invalidate", tag])
        assert done.exit_code == 0, done.output

    def changed(self) -> Got:
        """The first view after an invalidation that has heard of it."""
        return until(lambda: (got := self.view()) and "hit" not in got.headers.get("cache-status", "") and got, "heard")


def plain(got: Got) -> str:
    """Status and headers as the guide shows them, its ages 0."""
    first = f"HTTP/1.1 {got.status} {HTTPStatus(got.status).phrase}"
    return re.sub(r"age=\d+", "age=0", "\n".join([first, *map(": ".join, got.headers.items())]))


def assert_shown(step: int, name: str, got: Got) -> None:
    """Every line that the guide shows of the answer's head is in it."""
    assert set(shown(step, "http", name).splitlines()) <= set(plain(got).splitlines())


def neighbour(scene: Scene) -> int:
    """Another author's page."""
    before = scene.calls
    assert scene.view(NEIGHBOUR).json["data"]["author"]["id"] == 43
    return scene.calls - before


def one_slot(scene: Scene) -> None:
    """The answer is the one that is shown."""
    assert scene.view().body.decode() in STEPS[1].splitlines()


def at_once(scene: Scene) -> int:
    """Three answers of 0.3 s are there after much less than 0.6 s."""
    for target, port in {"/authors/1": "9001", "/feeds/1": "9002", "/offers": "9003"}.items():
        scene.shops[port].put(target, [], latency=0.3)
    scene.invalidate("offers")
    time.sleep(0.3)  # by then it has heard of it
    before = scene.calls
    began = time.monotonic()
    scene.view("/screens/author/1")
    assert (time.monotonic() - began < 0.55, scene.calls - before) == (True, 3)
    scene.shops["9003"].answers.clear()
    return neighbour(scene)


def same_in_one_call(scene: Scene) -> int:
    """The list is the same, the one that is missing is asked for by itself."""
    targets = [seen.target for seen in scene.shops["9004"].seen]
    assert targets == ["/articles?ids=1,2,3,4,5", "/articles/3"]
    return neighbour(scene)


def published(scene: Scene) -> int:
    """The MBU says so itself."""
    before, body = scene.calls, re.search(r"-d '(.+)'", STEPS[6])
    assert body
    headers = {"authorization": "Bearer a-key"}
    assert scene.running.get("/invalidations", headers, "POST", body[1].encode(), admin=True).status == 202
    scene.changed()
    assert scene.shops["9004"].seen[-1].target == "/articles?ids=2,4"
    return scene.calls - before


def down(scene: Scene) -> int:
    """What is shown, and what the answer says of it."""
    people, feeds, offers = (scene.shops[port] for port in ("9001", "9002", "9003"))
    offers.refuse()
    scene.invalidate("offers")
    got = until(lambda: (got := scene.view()).json["data"]["offers"] == [] and got, "nothing stands in")
    assert b'"errors":[' + shown(7, "json", "offers down").encode() in got.body
    assert_shown(7, "offers down", got)
    before = scene.calls
    feeds.refuse()
    scene.invalidate("feed:42")
    got = until(lambda: (got := scene.view()).json["data"]["feed"]["items"][1]["id"] == 9 and got, "the headlines")
    assert [one["id"] for one in got.json["data"]["articles"]] == [1, 9]
    cost = scene.calls - before
    people.refuse()
    scene.invalidate("author:42")
    got = until(lambda: (got := scene.view()).status != 200 and got, "it fails")
    assert is_problem(got, 502)
    assert_shown(7, "people down", got)
    for shop in (people, feeds, offers):
        shop.accept()
    whole = until(lambda: (got := scene.view()).status == 200 and "errors" not in got.json and got, "whole again")
    assert whole.json["data"]["offers"] == ["offer 1"]
    return cost


def shaped(scene: Scene) -> None:
    """The start of the answer is shown."""
    [start] = re.findall(r"```json\n(.+)\n```", STEPS[8])
    assert scene.view().body.startswith(start.encode())


def asked_otherwise(scene: Scene) -> int:
    """Another page is another view, however its number is written; what is no page reaches nobody."""
    before = scene.calls
    got = scene.view(f"{PAGE}?page=02&utm=x", {"accept-language": "de"})
    assert got.json["data"]["offers"] == ["offer 2 de"]
    cost = scene.calls - before
    assert_shown(9, "page 2 in German", got)
    assert "hit" in scene.view(f"{PAGE}?page=2", {"accept-language": "de"}).headers["cache-status"]
    assert is_problem(scene.view(f"{PAGE}?page=x"), 400)
    assert scene.calls == before + cost
    return cost


def another_viewer(scene: Scene) -> int:
    """Only the cart is theirs."""
    got = scene.view()
    assert_shown(10, "as ada", got)
    assert got.json["data"]["cart"]["of"] == "ada"
    before = scene.calls
    refused = scene.view(headers={"authorization": ""}), scene.running.get(PAGE)
    assert all(is_problem(one, 401) for one in refused)
    assert_shown(10, "without a token", refused[1])
    assert scene.calls == before
    scene.viewer = "bob"
    assert scene.view().json["data"]["cart"]["of"] == "bob"
    return scene.calls - before


def late(scene: Scene) -> int:
    """The answer comes at the deadline, and the late part is there soon after."""
    scene.shops["9003"].put("/offers?page=1", ["late"], latency=0.6)
    scene.invalidate("offers")
    time.sleep(0.3)  # by then it has heard of it
    began = time.monotonic()
    got = scene.view()
    assert 0.28 < time.monotonic() - began < 0.55
    assert got.json["data"]["offers"] == []
    assert b'"errors":[' + shown(11, "json", "offers late").encode() in got.body
    before = scene.calls
    until(lambda: scene.view().json["data"]["offers"] == ["late"], "the late offers are there", seconds=1.0)
    return scene.calls - before


ALSO: dict[int, Callable[[Scene], int | None]] = {
    1: one_slot,
    2: at_once,
    3: neighbour,
    4: neighbour,
    5: same_in_one_call,
    6: published,
    7: down,
    8: shaped,
    9: asked_otherwise,
    10: another_viewer,
    11: late,
    12: lambda scene: scene.first_in_process,
}
BODIES: dict[int, bytes] = {}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_costs_what_the_guide_says(step: int, guide: Path, shops: dict[str, Shop], redis_url: str) -> None:
    """The first view, the next one, the one after an invalidation, and what else the step tells."""
    [text] = FILES[step]
    for port, shop in shops.items():
        text = text.replace(f"http://127.0.0.1:{port}", shop.url)
        shop.forget()
        shop.answers.clear()
    said = told(step)
    flags = ["--refresh-budget", "0"]  # so that what is counted is what views cost, and not what comes before them
    with Running(text, redis_url, env=ENVIRON | {"PYTHONPATH": str(guide)}, flags=flags) as running:
        scene = Scene(step, running, shops)
        counted = []
        for view in (scene.view, scene.view, lambda: (scene.invalidate(said.tag), scene.changed())[1]):
            before = scene.calls
            got = view()
            assert (got.status, "errors" in got.json) == (200, False)
            counted.append(scene.calls - before)
            scene.first_in_process = scene.first_in_process or scene.in_process
        BODIES[step] = got.body
        assert [said.first, said.again, said.after] == counted
        assert (also := ALSO[step](scene)) == (said.rest[1] if said.rest else None), also


def test_steps_that_change_no_byte() -> None:
    """A batch, what stands in, a deadline, and an MBU in the process."""
    if len(BODIES) < len(STEPS):
        pytest.skip("not all steps were run")
    assert BODIES[4] == BODIES[5] == BODIES[6] == BODIES[7]
    assert BODIES[10] == BODIES[11] == BODIES[12]


@pytest.mark.parametrize("step", STEPS)
def test_a_file_has_neither_mistakes_nor_warnings(
    step: int, guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `aggregator check` finds it."""
    monkeypatch.syspath_prepend(guide)
    file = tmp_path / "guide.toml"
    file.write_text(FILES[step][0])
    assert declare(str(file), ENVIRON).warnings == ()


def test_the_readme_is_right(tmp_path: Path, redis_url: str) -> None:
    """Its file has no mistakes, its screen the members and the calls that stand there."""
    readme = (ROOT / "README.md").read_text()
    [text] = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    file = tmp_path / "screens.toml"
    file.write_text(text)
    assert declare(str(file), {"USERS_KEY": "a-key"}).warnings == ()
    [most, *calls] = re.findall(r"feed of up to (\d+) articles that is (\d+) calls for the first view", readme)[0]
    with Mbu() as mbu:
        ids = range(int(most))
        mbu.put("/users/42", {"team_id": 7})
        mbu.put("/teams/7", {"name": "Science"})
        mbu.put("/feeds/42", {"items": [{"id": id} for id in ids]})
        mbu.put(f"/articles?ids={','.join(map(str, ids))}", [{"id": id} for id in ids])
        mbu.put("/articles/3", {"id": 3, "new": True})
        with Running(re.sub(r"http://127.0.0.1:\d+", mbu.url, text), redis_url, env={"USERS_KEY": "a-key"}) as running:
            first, again = running.get("/screens/home/42"), running.get("/screens/home/42")
            assert (
                list(first.json["data"]) == re.findall(r'"(\w+)":[{\[]', readme.split("answers `")[1].split("`")[0])[1:]
            )
            assert (first.body, len(mbu.seen)) == (again.body, int(calls[0]))
            with redis.Redis.from_url(running.redis_url) as log:
                log.xadd(f"{running.namespace}:invalidations", {"tags": '["article:3"]'})
            until(lambda: running.get("/screens/home/42").json["data"]["articles"][3] == {"id": 3, "new": True}, "new")
            assert len(mbu.seen) == int(calls[0]) + 1

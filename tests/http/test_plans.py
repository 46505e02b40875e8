"""Screens as plans, from outside: what a feed of articles costs, and what becomes of it without one of twelve MBUs."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import orjson
import pytest

from tests.http.raw_answers import is_problem
from tests.mbu import Seen
from tests.raw_client import Client
from tests.running import Got, Mbu, Running, Says, until
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "2s"
[publishers.test]
key_env = "KEY"
tags = ["*"]
[mbus.feed]
url = "$MBU"
[mbus.articles]
url = "$MBU"
[fragments.feed]
mbu = "feed"
path = "/feeds/{user_id}"
tags = ["feed:{user_id}"]
[fragments.article]
mbu = "articles"
path = "/articles/{id}"
batch = { path = "/articles?ids={ids}", max = 50, key = "id" }
tags = ["article:{id}"]
[screens.home]
path = "/home/{user_id}"
[screens.home.slots]
feed = { fragment = "feed", required = true }
articles = { fragment = "article", each = { id = "feed.items[*].article_id" } }
[screens.article]
path = "/article/{id}"
slots = { article = "article" }
"""
KEY = {"KEY": "a-key"}


class Shop(Mbu):
    """Its articles are asked for one by one or many at once; `said` is what it has of each."""

    said: dict[str, object]

    def _says(self, target: str) -> Says:
        path, _, ids = target.partition("?ids=")
        if ids:
            return Says(orjson.dumps([{"id": int(id), "text": self.said.get(id, "as ever")} for id in ids.split(",")]))
        if path.startswith("/articles/"):
            id = path.rpartition("/")[2]
            return Says(orjson.dumps({"id": int(id), "text": self.said.get(id, "as ever")}))
        return super()._says(target)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with Shop() as one:
        one.said = {}
        yield one


@pytest.fixture(scope="module")
def running(shop: Shop, redis_url: str) -> Iterator[Running]:
    with Running(TEXT.replace("$MBU", shop.url), redis_url, env=KEY) as one:
        yield one


def article_calls(seen: list[Seen]) -> list[str]:
    """The targets of the calls for articles."""
    return [one.target for one in seen if one.target.startswith("/articles")]


def put_feed(shop: Shop, user: str, ids: range) -> None:
    """What a user's feed names."""
    shop.put(f"/feeds/{user}", {"items": [{"article_id": id} for id in ids]})


def test_a_feed_of_fifty_is_two_calls_and_one_article_of_it_one(running: Running, shop: Shop, id: str) -> None:
    """The new answer is byte for byte what another service makes from nothing."""
    put_feed(shop, id, range(50))
    shop.forget()
    first = running.get(f"/home/{id}")
    assert [element["id"] for element in first.json["data"]["articles"]] == list(range(50))
    assert len(shop.seen) == 2
    shop.said["7"] = "new"
    shop.forget()
    headers = {"authorization": "Bearer a-key"}
    assert running.get("/invalidations", headers, "POST", b'{"tags":["article:7"]}', admin=True).status == 202
    second = until(
        lambda: (got := running.get(f"/home/{id}")).json["data"]["articles"][7]["text"] == "new" and got, "new"
    )
    assert [one.target for one in shop.seen] == ["/articles/7"]
    assert running.get("/article/7").json == {"data": {"article": {"id": 7, "text": "new"}}}
    assert len(shop.seen) == 1
    with Running(TEXT.replace("$MBU", shop.url), env=KEY) as other:
        rebuilt = other.get(f"/home/{id}")
    assert (rebuilt.body, rebuilt.headers["etag"]) == (second.body, second.headers["etag"])


@pytest.mark.prove
def test_users_whose_feeds_overlap_load_every_article_once(running: Running, shop: Shop) -> None:
    """All of them at once, and nothing is there yet: 80 % of each feed is that of its neighbour."""
    users, first_id = scale(60, 200), 10_000
    for user in range(users):
        put_feed(shop, f"u{user}", range(first_id + 10 * user, first_id + 10 * user + 50))
    shop.forget()

    async def all_at_once() -> list[int]:
        async with Client(running.url) as client:
            await client.open(users)
            got = await asyncio.gather(*(client.ask(f"/home/u{user}") for user in range(users)))
            assert all(len(one.json["data"]["articles"]) == 50 for one in got)
            return [one.status for one in got]

    assert set(asyncio.run(all_at_once())) == {200}
    ids = [id for call in article_calls(shop.seen) for id in call.replace("?ids=", "/").rpartition("/")[2].split(",")]
    assert len(ids) == len(set(ids)) == 10 * (users - 1) + 50
    assert len(shop.seen) - len(article_calls(shop.seen)) == users


@pytest.mark.parametrize(
    ("answer", "status", "what"),
    [
        ([{"id": 2}, {"id": 1}, {"id": 99}, {"id": "3"}], 200, [{"id": 1}, {"id": 2}, {"id": "3"}]),
        ([{"id": 2}], 200, [None, {"id": 2}, None]),
        ([{"id": 1}, {"id": 1}, None, 7, {"id": [2]}, {"id": 2.0}, {}], 200, [{"id": 1}, None, None]),
        ([{"id": 1, "n": 1}, {"id": 1, "n": 2}, {"id": 2}, {"id": 3}], 502, [None, {"id": 2}, {"id": 3}]),
        ({"items": []}, 502, None),
        (None, 502, None),
        ("text", 502, None),
    ],
)
def test_a_batch_that_answers_otherwise_than_asked_is_never_mixed_up(
    redis_url: str, id: str, answer: object, status: int, what: list[object] | None
) -> None:
    """Each element goes where its id is wanted; what is not clear fails in its place."""
    with Mbu() as mbu, Running(TEXT.replace("$MBU", mbu.url), redis_url, env=KEY) as one:
        mbu.put(f"/feeds/{id}", {"items": [{"article_id": "1"}, {"article_id": 2}, {"article_id": 3}]})
        mbu.put("/articles?ids=1,2,3", answer)
        got = one.get(f"/home/{id}")
        assert got.json["data"]["articles"] == (what or [None] * 3)
        assert {error["status"] for error in got.json.get("errors", [])} == ({502} if status == 502 else set())
        assert (got.headers["cache-control"] == "no-store") is (status == 502)


def test_a_screen_that_reaches_itself_is_stopped(id: str, free_port: int) -> None:
    """The MBU of a slot is the service itself: the inner request is 508, the slot failed, nobody waits for long."""
    text = f"""
version = 1
[defaults]
fresh_for = "60s"
deadline = "10s"
[mbus.self]
url = "http://127.0.0.1:{free_port}"
[fragments.self]
mbu = "self"
path = "/loop/{{id}}"
[fragments.other]
mbu = "self"
path = "/long/{{id}}"
[screens.loop]
path = "/loop/{{id}}"
slots = {{ inner = "self" }}
[screens.long]
path = "/long/{{id}}"
slots = {{ inner = "self" }}
[screens.required]
path = "/required/{{id}}"
slots = {{ inner = {{ fragment = "other", required = true }} }}
"""
    with Running(text, flags=["--port", str(free_port)]) as one:
        looped = one.get(f"/loop/{id}", timeout=5)
        assert looped.json["data"] == {"inner": None}
        assert "508" in looped.json["errors"][0]["detail"]
        # required → long → loop → itself: each of them is answered.
        assert one.get(f"/required/{id}x", timeout=5).status == 200
        inner = one.get(f"/loop/{id}", {"cdn-loop": f"{one.namespace};screen=loop;fragment=self"})
        assert is_problem(inner, 508)
        assert one.get(f"/loop/{id}", {"cdn-loop": "cdn.example;screen=loop;fragment=self"}).status == 200


NAMES = [f"m{number}" for number in range(12)]


def twelve(urls: dict[str, str]) -> str:
    """A screen of twelve slots in three waves, each of an MBU of its own, with every kind of declaration."""
    lines = [
        "version = 1",
        "[defaults]",
        'fresh_for = "60s"',
        "jitter = 0.0",
        "early_refresh = 0.0",
        'deadline = "1s"',
    ]
    for name, url in urls.items():
        lines += [
            f"[mbus.{name}]",
            f'url = "{url}"',
            f"[fragments.{name}]",
            f'mbu = "{name}"',
            f'path = "/{name}/{{id}}"',
        ]
    slots = """
[screens.home]
path = "/home/{id}"
[screens.home.slots]
m0 = { fragment = "m0", required = true }
m1 = "m1"
m2 = { fragment = "m2", fallback = { none = true } }
m3 = { fragment = "m3", fallback_fragment = "m1" }
m4 = { fragment = "m4", with = { id = "m0.next" } }
m5 = { fragment = "m5", each = { id = "m0.list[*]" } }
m6 = { fragment = "m6", with = { id = "m1.next" }, fallback = "six" }
m7 = { fragment = "m7", with = { id = "m4.next" } }
m8 = { fragment = "m8", each = { id = "m5[*].next" }, fallback = [] }
m9 = { fragment = "m9", with = { id = "m6.next" }, fallback_fragment = "m0" }
m10 = { fragment = "m10", at = "deep.ten" }
m11 = { fragment = "m11", required = true }
"""
    return "\n".join(lines) + slots


# By MBU that is down: the states that are not fresh; "" where the screen fails.
EXPECTED = {
    "m0": "",
    "m1": "m1=failed m6=fallback m9=failed",
    "m2": "m2=fallback",
    "m3": "m3=fallback",
    "m4": "m4=failed m7=failed",
    "m5": "m5=failed m8=fallback",
    "m6": "m6=fallback m9=failed",
    "m7": "m7=failed",
    "m8": "m8=fallback",
    "m9": "m9=fallback",
    "m10": "m10=failed",
    "m11": "",
}


def wanting(field: str) -> str:
    """The slots of an Aggregator-Slots field that are not fresh, as "name=state"."""
    states = {member.split(";")[0].strip('"'): member.split("state=")[1].split(";")[0] for member in field.split(", ")}
    assert list(states) == NAMES
    return " ".join(f"{name}={state}" for name, state in states.items() if state != "fresh")


@pytest.mark.parametrize("down", NAMES)
def test_an_answer_is_as_declared_whichever_mbu_is_down(redis_url: str, id: str, down: str) -> None:
    """What it says of each slot, its errors, status and Cache-Control; and it is whole again soon after."""
    with ExitStack() as stack:
        mbus = {name: stack.enter_context(Mbu()) for name in NAMES}
        for name, mbu in mbus.items():
            mbu.put(f"/{name}/{id}", {"name": name, "next": id, "list": [id, id]})
        with Running(twelve({name: mbu.url for name, mbu in mbus.items()}), redis_url) as one:
            mbus[down].refuse()
            got = one.get(f"/home/{id}")
            if not EXPECTED[down]:
                assert is_problem(got, 502)
                assert f'"{down}";state=failed' in got.headers["aggregator-slots"]
                assert got.headers["cache-control"] == "no-store"
            else:
                assert (got.status, got.headers["cache-control"]) == (200, "no-store")
                assert wanting(got.headers["aggregator-slots"]) == EXPECTED[down]
                failed = {error["pointer"].split("/")[1 if down != "m10" else 2] for error in got.json["errors"]}
                assert failed == (
                    {"ten"} if down == "m10" else {state.split("=")[0] for state in EXPECTED[down].split()}
                )
            mbus[down].accept()

            def again() -> Got | None:
                got = one.get(f"/home/{id}")
                return got if got.status == 200 and "errors" not in got.json else None

            whole = until(again, "it is whole again", 2.0)
            assert (whole.status, wanting(whole.headers["aggregator-slots"])) == (200, "")
            assert whole.headers["cache-control"] == "private, no-cache"

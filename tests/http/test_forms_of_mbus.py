"""One declaration over an MBU in three forms: only the table of the MBU differs, and no byte of an answer."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn

from tests.running import Running, until
from tests.samples.shop import app

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
absent_for = "60s"
deadline = "300ms"
jitter = 0.0
early_refresh = 0.0
[mbus.shop]
$FORM
headers = { x-api-key = "k" }
[mbus.same]
$FORM
headers = { x-api-key = "k" }
[fragments.user]
mbu = "shop"
path = "/user/{id}"
tags = ["user:{id}"]
tags_from = "friends[*].id"
[fragments.none]
mbu = "same"
path = "/none/{id}"
[fragments.broken]
mbu = "same"
path = "/broken/{id}"
[fragments.slow]
mbu = "shop"
path = "/slow/{id}"
[screens.home]
path = "/home/{id}"
slots = { user = "user", none = "none" }
[screens.parts]
path = "/parts/{id}"
slots = { user = "user", broken = "broken" }
[screens.slow]
path = "/slow/{id}"
slots = { slow = "slow", user = "user" }
[screens.gone]
path = "/gone/{id}"
slots = { none = { fragment = "none", required = true } }
[publishers.shop]
key_env = "SHOP_KEY"
tags = ["*"]
"""
FORMS = {"url": "", "app": "tests.samples.shop:app", "call": "tests.samples.shop:fetch"}


@contextmanager
def served() -> Iterator[str]:
    """The shop behind a server of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with served() as url:
        yield url


@pytest.fixture(scope="module", params=FORMS)
def running(request: pytest.FixtureRequest, shop_url: str, redis_url: str) -> Iterator[Running]:
    form = f'{request.param} = "{FORMS[request.param] or shop_url}"'
    with Running(TEXT.replace("$FORM", form), redis_url, env={"SHOP_KEY": "a-key"}) as one:
        yield one


def user(id: str, asked: int = 1) -> str:
    """The user as every form gives it."""
    return f'{{"id":"{id}","key":"k","asked":{asked},"opened":1,"friends":[{{"id":"{id}-friend"}}]}}'


def test_an_answer_is_the_same_and_is_kept(running: Running, id: str) -> None:
    """What is absent is null in it; the MBU's headers are sent, and its application was started once."""
    expected = f'{{"data":{{"user":{user(id)},"none":null}}}}'.encode()
    got, again = running.get(f"/home/{id}"), running.get(f"/home/{id}")
    assert (got.status, got.body, again.body) == (200, expected, expected)
    assert "hit" in again.headers["cache-status"]


def test_a_required_part_that_is_absent_is_404(running: Running, id: str) -> None:
    assert running.get(f"/gone/{id}").status == 404


@pytest.mark.parametrize("tag", ["user:{}", "card:{}", "{}-friend"])
def test_an_invalidation_is_heeded(running: Running, id: str, tag: str) -> None:
    """By a tag that is declared, one that the answer's header names, and one that its payload does."""
    running.get(f"/home/{id}")
    body = json.dumps({"tags": [tag.format(id)]}).encode()
    posted = running.get("/invalidations", {"authorization": "Bearer a-key"}, "POST", body, admin=True)
    assert posted.status == 202
    expected = f'{{"data":{{"user":{user(id, 2)},"none":null}}}}'.encode()
    until(lambda: running.get(f"/home/{id}").body == expected, "the user is asked for again")


def test_a_failure_is_an_entry_among_the_errors(running: Running, id: str) -> None:
    got = running.get(f"/parts/{id}")
    start = f'{{"data":{{"user":{user(id)},"broken":null}},"errors":[{{"pointer":"/broken",'
    assert got.body.startswith(start.encode())
    assert got.body.endswith(b'"status":502,"detail":"same: status 500"}]}')


def test_the_deadline_holds(running: Running, id: str) -> None:
    """The other parts are there, and the late one is an error."""
    got = running.get(f"/slow/{id}", timeout=2.0)
    assert got.body.startswith(f'{{"data":{{"slow":null,"user":{user(id)}}},"errors":['.encode())
    assert [(error["pointer"], error["status"]) for error in got.json["errors"]] == [("/slow", 504)]

"""`aggregator explain` and GET /explain: what each worker of a running service holds of an answer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from aggregator.publisher import SyncPublisher
from tests.http.raw_answers import is_problem
from tests.running import ROOT, Got, Mbu, Running, until
from tests.samples.tokens import pem, private, signed

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[[viewer.keys]]
algorithm = "ES256"
public_key_file = "$PEM"
[mbus.m]
url = "$MBU"
[fragments.user]
mbu = "m"
path = "/user/{id}"
tags = ["user:{id}"]
[fragments.offers]
mbu = "m"
path = "/offers/{id}?lang={header.accept-language}&theme={cookie.theme}"
[fragments.secret]
mbu = "m"
path = "/secrets/{id}"
forward = ["authorization"]
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
[screens.private]
path = "/private/{id}"
headers = ["accept-language"]
cookies = ["theme"]
slots = { offers = "offers", secret = "secret" }
"""
THEME, SUBJECT = "dark-theme-4711", "subject-4712"


@pytest.fixture(scope="module")
def authorization() -> str:
    """The header of a viewer."""
    return "Bearer " + signed({"sub": SUBJECT, "exp": time.time() + 600}, private("ES256"), "ES256")


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    key = tmp_path_factory.mktemp("keys") / "jwt.pem"
    key.write_bytes(pem(private("ES256")))
    text, flags = TEXT.replace("$MBU", mbu.url).replace("$PEM", str(key)), ("--refresh-budget", "0")
    with Running(text, redis_url, workers=2, flags=flags) as one:
        yield one


def explained(running: Running, target: str, **given: str) -> Got:
    """GET /explain; names of inputs with _ for the dot."""
    asked = {name.replace("_", ".", 1).replace("_", "-"): text for name, text in given.items()}
    return running.get(f"/explain?{urlencode({'target': target, **asked})}", admin=True)


def told(running: Running, *arguments: str, exit_code: int = 0) -> str:
    """What the command says."""
    command = [sys.executable, "-m", "aggregator", "explain", *arguments, "--admin-url", running.admin_url]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=running.env, timeout=30)
    assert done.returncode == exit_code, done
    return done.stderr if exit_code else done.stdout


def warm(running: Running, mbu: Mbu, id: str) -> None:
    """One worker holds the view of `home`, and L2 does."""
    mbu.put(f"/user/{id}", "Ada")
    running.get(f"/home/{id}")
    until(lambda: places(running, id) == ["l1", "l2"], "it is held and stored")


def places(running: Running, id: str) -> list[str]:
    """Where the workers would take the view from."""
    return sorted(worker["answer"]["from"] for worker in explained(running, f"/home/{id}").json["workers"])


def test_each_worker_tells_of_its_own(running: Running, mbu: Mbu, id: str) -> None:
    """A hit, until it is invalidated; then which invalidation overtook it, and what would be loaded."""
    warm(running, mbu, id)
    got = explained(running, f"/home/{id}")
    assert got.headers["cache-control"] == "no-store"
    assert {worker["pid"] for worker in got.json["workers"]} <= set(running.descendants())
    for worker in got.json["workers"]:
        answer = worker["answer"]
        assert (answer["l1"]["hit"], answer["loads"], answer["l2"]["standing"]) == (answer["from"] == "l1", [], "fresh")
        assert answer["l1"]["why"] == ("fresh, and proved current" if answer["l1"]["hit"] else "not held")
    with SyncPublisher(running.redis_url, running.namespace) as publisher:
        position = publisher.invalidate([f"user:{id}"])
    until(lambda: places(running, id) == ["mbu", "mbu"], "it is applied")
    calls = mbu.calls[f"/user/{id}"]
    for worker in explained(running, f"/home/{id}").json["workers"]:
        [slot] = worker["answer"]["slots"]
        [entry] = slot["entries"]
        assert (entry["standing"], slot["loads"]) == ("overtaken", True)
        assert [(one["tag"], one["position"]) for one in entry["overtaken_by"]] == [(f"user:{id}", position)]
    assert mbu.calls[f"/user/{id}"] == calls


def test_the_command_tells_the_same_in_words(running: Running, mbu: Mbu, id: str) -> None:
    warm(running, mbu, id)
    words = told(running, f"{running.url}/home/{id}")
    assert (words.count("home would come from L1"), words.count("home would come from L2")) == (1, 1)
    assert words.count("L1  hit: fresh, and proved current; ") == 1
    assert f"user:{id}" in words
    assert told(running, f"/home/{id}", "--json").startswith(f'{{"target":"/home/{id}","workers":[')


def test_the_inputs_behind_a_target_are_given_beside_it(
    running: Running, mbu: Mbu, id: str, authorization: str, tmp_path: Path
) -> None:
    """And none of those that may be secret is told again."""
    mbu.put(f"/offers/{id}?lang=de&theme={THEME}", {"v": THEME})
    mbu.put(f"/secrets/{id}", {"v": authorization})
    headers = {"authorization": authorization, "cookie": f"theme={THEME}", "accept-language": "de"}
    got = running.get(f"/private/{id}", headers)
    assert got.json["data"]["offers"] == {"v": THEME}, got
    file = tmp_path / "authorization"
    file.write_text(f"{authorization}\n")
    given = {"header.accept-language": "de", "cookie.theme": THEME, "viewer.sub": SUBJECT}
    arguments = [f"{name}={text}" for name, text in given.items()]
    words = told(running, f"/private/{id}", *arguments, f"forward.authorization=@{file}")
    assert "private would come from L1" in words
    parameters = urlencode({"target": f"/private/{id}", **given, "forward.authorization": authorization})
    page = running.get(f"/explain?{parameters}", admin=True)
    assert {worker["answer"]["from"] for worker in page.json["workers"]} <= {"l1", "l2"}
    for text in (words.encode(), page.body):
        assert THEME.encode() not in text
        assert authorization.partition(" ")[2].encode() not in text
    other = urlencode({"target": f"/private/{id}", **given, "forward.authorization": "Bearer another"})
    assert running.get(f"/explain?{other}", admin=True).json["workers"][0]["answer"]["l1"]["held"] is False


@pytest.mark.parametrize(
    ("target", "given", "status", "why"),
    [
        ("/nowhere/1", {}, 404, "No screen has the path of this target."),
        ("home", {}, 400, "Expected target=/path?query of a request"),
        ("/home/1", {"header_x": "1"}, 400, "'header.x' is no input of the screen home; expected: none besides"),
        ("/private/1", {}, 400, "The screen is private to viewers; expected: viewer.sub."),
        ("/private/1", {"viewer_sub": "\n"}, 400, "Viewer.sub is no claim"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    running: Running, target: str, given: dict[str, str], status: int, why: str
) -> None:
    got = explained(running, target, **given)
    assert is_problem(got, status)
    assert got.json["detail"].startswith(why)


def test_the_command_refuses_in_words(running: Running) -> None:
    """With what to do instead."""
    assert "404: No screen has the path of this target." in told(running, "/nowhere/1", exit_code=2)
    secret = told(running, "/private/1", "forward.authorization=Bearer x", exit_code=2)
    assert secret == (
        "forward.authorization may be a secret, which a command line shows to all; expected: "
        "forward.authorization=@FILE\n"
    )
    assert "expected NAME=VALUE" in told(running, "/private/1", "viewer.sub", exit_code=2)
    assert "expected the URL of a screen" in told(running, "home", exit_code=2)
    assert "the file /nowhere cannot be read" in told(running, "/private/1", "forward.x=@/nowhere", exit_code=2)

"""What an MBU does when it has changed something: it publishes tags, in any of four ways, and the answers follow."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from aggregator.publisher import SyncPublisher
from tests.http.raw_answers import is_problem
from tests.running import ROOT, Got, Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU"
[fragments.user]
mbu = "m"
path = "/user/{id}"
tags = ["user:{id}"]
[fragments.posts]
mbu = "m"
path = "/posts/{id}"
tags_from = "items[*].id"
tags_from_prefix = "post:"
[screens.home]
path = "/home/{id}"
slots = { user = "user", posts = "posts" }
[publishers.users]
key_env = "USERS_KEY"
tags = ["user:*", "exact"]
[publishers.all]
key_file = "$FOLDER/key"
tags = ["*"]
"""
USERS, ALL = "users-key-1", "all-key-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the key file is."""
    path = tmp_path_factory.mktemp("keys")
    (path / "key").write_text(f"{ALL}\n")
    return path


@pytest.fixture(scope="module")
def running(mbu: Mbu, folder: Path) -> Iterator[Running]:
    """With a server of its own."""
    text = TEXT.replace("$MBU", mbu.url).replace("$FOLDER", str(folder))
    with Running(text, env={"USERS_KEY": USERS}) as one:
        yield one


def post(running: Running, body: Any, key: str | None = ALL, **headers: str) -> Got:
    """POST /invalidations."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {**headers, **({"authorization": f"Bearer {key}"} if key else {})}
    return running.get("/invalidations", named, "POST", sent, admin=True)


def warm(running: Running, mbu: Mbu, id: str) -> None:
    """Have the screen kept, then change both of its parts."""
    mbu.put(f"/user/{id}", "old")
    mbu.put(f"/posts/{id}", {"items": [{"id": f"p{id}"}, {"id": 7}], "v": "old"})
    assert running.get(f"/home/{id}").json["data"]["user"] == "old"
    mbu.put(f"/user/{id}", "new")
    mbu.put(f"/posts/{id}", {"items": [], "v": "new"})


def follows(running: Running, mbu: Mbu, id: str, user: str, posts: str) -> None:
    """Within 250 ms the parts are these, at one load for each that was overtaken; then it is a hit in L1 again."""
    began = time.monotonic()

    def values() -> tuple[str, str]:
        parts = running.get(f"/home/{id}").json["data"]
        return parts["user"], parts["posts"]["v"]

    until(lambda: values() == (user, posts), "the answer follows", 0.25 - (time.monotonic() - began), every=0.005)
    calls = [mbu.calls[f"/{name}/{id}"] for name in ("user", "posts")]
    assert calls == [1 + (user == "new"), 1 + (posts == "new")]
    assert running.get(f"/home/{id}").headers["cache-status"].endswith('detail="L1"')


def test_a_post_is_acknowledged_with_its_position(running: Running, mbu: Mbu, id: str) -> None:
    """202 once it is in the log; what it names is new, the rest is kept."""
    warm(running, mbu, id)
    got = post(running, {"tags": [f"user:{id}"], "id": "change-1"}, USERS)
    assert got.status == 202
    assert isinstance(got.json["position"], str)
    follows(running, mbu, id, "new", "old")


def test_an_xadd_from_any_language_is_as_good(running: Running, mbu: Mbu, id: str) -> None:
    """One field, a JSON array of tags, in the stream of the namespace."""
    warm(running, mbu, id)
    with redis.Redis.from_url(running.redis_url) as client:
        client.xadd(f"{running.namespace}:invalidations", {"tags": json.dumps([f"user:{id}"])})
    follows(running, mbu, id, "new", "old")


def test_the_command_finds_the_embedded_server(running: Running, mbu: Mbu, id: str) -> None:
    """`aggregator invalidate TAG…` needs no address, and prints the position."""
    warm(running, mbu, id)
    command = [
        sys.executable,
        "-m",
        "aggregator",
        "invalidate",
        f"user:{id}",
        "exact",
        "--namespace",
        running.namespace,
    ]
    done = subprocess.run(command, env=running.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
    follows(running, mbu, id, "new", "old")


def test_the_command_says_where_it_found_nothing(running: Running) -> None:
    """Without a server it fails, says what to do, and shows no traceback."""
    command = [sys.executable, "-m", "aggregator", "invalidate", "user:1", "--namespace", "nobody"]
    done = subprocess.run(command, env=running.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--redis-url" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flag", ["--admin-url", "--key-file", "--sign-as"])
def test_the_command_takes_no_key_for_what_asks_for_none(running: Running, flag: str) -> None:
    """Who names a publisher would take its rights for looked at."""
    command = [sys.executable, "-m", "aggregator", "invalidate", "user:1", "--namespace", running.namespace, flag, "x"]
    done = subprocess.run(command, env=running.env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{flag} is for --dry-run" in done.stderr


def test_python_has_a_publisher(running: Running, mbu: Mbu, id: str) -> None:
    """For MBUs in Python; it gives the position."""
    warm(running, mbu, id)
    with SyncPublisher(running.redis_url, running.namespace) as publisher:
        assert publisher.invalidate([f"user:{id}"])
    follows(running, mbu, id, "new", "old")


def test_tags_learned_from_a_payload_count(running: Running, mbu: Mbu, id: str) -> None:
    """What the payload named is a tag like any other."""
    warm(running, mbu, id)
    assert post(running, {"tags": [f"post:p{id}"]}).status == 202
    follows(running, mbu, id, "old", "new")


@pytest.mark.parametrize(
    ("tag", "user", "posts"),
    [
        ("fragment:user", "new", "old"),
        ("fragment:posts", "old", "new"),
        ("mbu:m", "new", "new"),
        ("*", "new", "new"),
        ("fragment:other", "old", "old"),
        ("mbu:other", "old", "old"),
    ],
)
def test_implicit_tags_work_like_any_other(
    running: Running, mbu: Mbu, id: str, tag: str, user: str, posts: str
) -> None:
    """A fragment, an MBU or everything can be invalidated by whoever may."""
    warm(running, mbu, id)
    assert post(running, {"tags": [tag]}, USERS).status == 403
    assert post(running, {"tags": [tag]}).status == 202
    follows(running, mbu, id, user, posts)


def test_a_screen_tag_expels_its_views(running: Running, mbu: Mbu, id: str) -> None:
    """The view is composed anew, of parts that are still good."""
    warm(running, mbu, id)
    assert post(running, {"tags": ["screen:home"]}).status == 202
    until(lambda: 'detail="L2"' in running.get(f"/home/{id}").headers["cache-status"], "it is composed", 0.25, 0.005)
    follows(running, mbu, id, "old", "old")


def test_a_key_may_be_changed_without_a_gap(running: Running, folder: Path) -> None:
    """A key file is read again when it changes, and may hold two keys."""
    file = folder / "key"
    file.write_text(f"{ALL}\nall-key-2\n")
    assert [post(running, {"tags": ["a"]}, key).status for key in (ALL, "all-key-2")] == [202, 202]
    file.write_text("all-key-2\n")
    old = post(running, {"tags": ["a"]}, ALL)
    file.write_text(f"{ALL}\n")
    assert is_problem(old, 401)


def dry_run(running: Running, *arguments: str, key: str = ALL, exit_code: int = 0) -> str:
    """What `aggregator invalidate --dry-run` says."""
    command = [sys.executable, "-m", "aggregator", "invalidate", "--dry-run", *arguments]
    env = {**running.env, "AGGREGATOR_PUBLISHER_KEY": key}
    command += ["--admin-url", running.admin_url]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=30)
    assert done.returncode == exit_code, done
    return done.stderr if exit_code else done.stdout


def test_a_dry_run_tells_what_would_be_overtaken_and_overtakes_nothing(running: Running, mbu: Mbu, id: str) -> None:
    warm(running, mbu, id)
    got = running.get("/invalidations?dry-run", _bearer(USERS), "POST", _body(f"user:{id}"), admin=True)
    assert got.status == 200
    assert got.json["tags"] == {f"user:{id}": {"fragments": ["user"], "screens": ["home"]}}
    assert (got.json["held"]["views"], got.json["hot"]["views"], got.json["unanswered"]) == ({"home": 1}, {}, 0)
    assert 0 < got.json["held"]["seconds"]["at_least"] == got.json["held"]["seconds"]["at_most"] < 5
    first, second, held, hot = dry_run(running, f"post:p{id}", f"user:{id}").splitlines()
    assert first == f"post:p{id}  may be a tag of fragments: posts; of screens: home"
    assert second == f"user:{id}  may be a tag of fragments: user; of screens: home"
    assert held.startswith("overtaken in L1, all workers taken together: 1 of home; ")
    assert held.endswith(" of loading, one by one")
    assert hot == "of these are read these days, and would be refreshed: no view"
    assert running.get(f"/home/{id}").headers["cache-status"].endswith('detail="L1"')
    assert running.get(f"/home/{id}").json["data"]["user"] == "old"


def test_a_dry_run_is_refused_as_the_real_one(running: Running, id: str, tmp_path: Path) -> None:
    """Who may not invalidate a tag is not told of it either."""
    for key, body, status in (
        (None, _body("user:1"), 401),
        ("wrong", _body("user:1"), 401),
        (USERS, _body("secret"), 403),
        (USERS, b"{", 400),
        (USERS, _body(""), 422),
    ):
        got = running.get("/invalidations?dry-run", _bearer(key), "POST", body, admin=True)
        assert is_problem(got, status)
    assert "answers 401" in dry_run(running, "user:1", key="wrong", exit_code=2)
    words = "expected the key of a declared publisher: --key-file FILE, or the variable AGGREGATOR_PUBLISHER_KEY\n"
    assert dry_run(running, "user:1", key="", exit_code=2) == words
    (tmp_path / "key").write_text(f"{USERS}\n")
    assert "answers 403" in dry_run(running, "secret", "--key-file", str(tmp_path / "key"), exit_code=2)


def _bearer(key: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _body(*tags: str) -> bytes:
    return json.dumps({"tags": tags}).encode()

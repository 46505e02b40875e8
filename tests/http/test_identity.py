"""Who asks and what is declared to be seen: nothing else reaches an MBU or a key, and nobody gets another's answer."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.raw_answers import is_problem
from tests.running import ROOT, Got, Mbu, Running, until
from tests.samples.tokens import pem, private, signed
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[[viewer.keys]]
algorithm = "ES256"
public_key_file = "$PEM"
audience = "app"
[mbus.m]
url = "$MBU"
[fragments.cart]
mbu = "m"
path = "/carts/{viewer.sub}"
serve_overtaken_on_error = "10m"
[fragments.secret]
mbu = "m"
path = "/secrets/{id}"
forward = ["authorization"]
[fragments.offers]
mbu = "m"
path = "/offers/{id}?page={query.page}&q={query.q}"
headers = { accept-language = "{header.accept-language}" }
[fragments.theme]
mbu = "m"
path = "/themes/{cookie.theme}/{id}"
[fragments.plain]
mbu = "m"
path = "/plain/{id}"
[screens.cart]
path = "/cart/{id}"
slots = { cart = "cart", plain = "plain" }
client_max_age = "10s"
[screens.secret]
path = "/secret/{id}"
slots = { secret = "secret" }
[screens.offers]
path = "/offers/{id}"
query = { page = { type = "int", default = 1 }, q = { default = "" } }
headers = ["accept-language"]
slots = { offers = "offers" }
[screens.theme]
path = "/theme/{id}"
cookies = ["theme"]
slots = { theme = "theme" }
[screens.plain]
path = "/plain/{id}"
slots = { plain = "plain" }
"""
ALGORITHM = "ES256"
OTHER = private(ALGORITHM, "of somebody else")


def token(subject: str, **claims: Any) -> str:
    """The Authorization header of a viewer."""
    said = {"sub": subject, "aud": "app", "exp": time.time() + 600, **claims}
    return "Bearer " + signed(said, private(ALGORITHM), ALGORITHM)


@pytest.fixture(scope="module")
def running(mbu: Mbu, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    key = tmp_path_factory.mktemp("keys") / "jwt.pem"
    key.write_bytes(pem(private(ALGORITHM)))
    with Running(TEXT.replace("$MBU", mbu.url).replace("$PEM", str(key)), redis_url) as one:
        yield one


def refused(got: Got) -> bool:
    """Is it a 401 that says how to do better?"""
    return is_problem(got, 401) and got.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer x.y.z",
        "Basic dXNlcjpwYXNz",
        "Bearer " + "a" * 9_000,
        lambda: token("u", exp=time.time() - 1),
        lambda: token("u", aud="other"),
        lambda: token("u")[:-3],
        lambda: token("u", sub=["u"]),
        lambda: "Bearer " + signed({"sub": "u", "exp": time.time() + 60, "aud": "app"}),
        lambda: (
            "Bearer " + signed({"sub": "u", "exp": time.time() + 60, "aud": "app"}, private(ALGORITHM, "b"), ALGORITHM)
        ),
    ],
)
def test_without_a_good_token_no_mbu_is_asked(running: Running, mbu: Mbu, id: str, authorization: Any) -> None:
    """401 with a problem document, and the answer is nobody's to keep."""
    mbu.forget()
    given_ = authorization() if callable(authorization) else authorization
    got = running.get(f"/cart/{id}", {} if given_ is None else {"authorization": given_})
    assert refused(got)
    assert got.headers["cache-control"] == "no-store"
    assert "authorization" in got.headers["vary"]
    assert not mbu.seen


def test_a_view_of_a_viewer_is_private_and_its_public_parts_are_shared(running: Running, mbu: Mbu, id: str) -> None:
    """Each viewer gets their own; what does not depend on them is loaded once."""
    mbu.put(f"/plain/{id}", "for all")
    mbu.forget()
    for subject in ("anna", "bert"):
        mbu.put(f"/carts/{subject}-{id}", subject)
        got = running.get(f"/cart/{id}", {"authorization": token(f"{subject}-{id}")})
        assert got.json["data"] == {"cart": subject, "plain": "for all"}
        assert got.headers["cache-control"].startswith("private, max-age=")
        assert got.headers["vary"] == "accept, accept-encoding, authorization, aggregator-min-position"
    assert mbu.calls[f"/plain/{id}"] == 1
    assert all("authorization" not in one.headers for one in mbu.seen)
    again = running.get(f"/cart/{id}", {"authorization": token(f"anna-{id}", more="another token")})
    assert (again.json["data"]["cart"], "hit" in again.headers["cache-status"]) == ("anna", True)
    assert running.get(f"/plain/{id}").headers["vary"] == "accept, accept-encoding"


def test_what_is_handed_on_is_private_to_it(running: Running, mbu: Mbu, id: str) -> None:
    """Another token is another answer; the token is in no key."""
    one, other = token(f"anna-{id}"), token(f"anna-{id}", jti="2")
    mbu.put(f"/secrets/{id}", 1)
    mbu.forget()
    for authorization in (one, other, one):
        assert running.get(f"/secret/{id}", {"authorization": authorization}).status == 200
    assert [seen.headers["authorization"] for seen in mbu.seen] == [one, other]
    assert refused(running.get(f"/secret/{id}"))


def test_what_is_declared_is_seen_and_decides(running: Running, mbu: Mbu, id: str) -> None:
    """In its canonical form."""
    mbu.put(f"/offers/{id}?page=2&q=a%20b", "two")
    mbu.put(f"/offers/{id}?page=1&q=", "one")
    mbu.forget()
    german = {"accept-language": " de "}
    assert running.get(f"/offers/{id}?q=a+b&page=02", german).json["data"] == {"offers": "two"}
    assert running.get(f"/offers/{id}?page=2&q=a%20b&x=1", german).json["data"] == {"offers": "two"}
    assert running.get(f"/offers/{id}").json["data"] == {"offers": "one"}
    assert [seen.headers.get("accept-language") for seen in mbu.seen] == ["de", None]
    assert running.get(f"/offers/{id}").headers["vary"] == "accept, accept-encoding, accept-language"


@pytest.mark.parametrize("query", ["page=x", "page=1&page=2", "q=%00", "q=" + "x" * 201, "page=%ff"])
def test_s02_a_query_that_is_not_as_declared_is_400(running: Running, mbu: Mbu, id: str, query: str) -> None:
    """With the parameter's name, and no MBU asked."""
    mbu.forget()
    got = running.get(f"/offers/{id}?{query}")
    assert is_problem(got, 400)
    assert query.split("=")[0] in got.json["detail"]
    assert not mbu.seen


@pytest.mark.parametrize("value", [b"a\x01b", b"\xff\xfe", b"x" * 2_000])
def test_s03_a_declared_header_that_is_no_text_is_400(running: Running, mbu: Mbu, id: str, value: bytes) -> None:
    """Whichever layer refuses it."""
    mbu.forget()
    head = f"GET /offers/{id} HTTP/1.1\r\nhost: h\r\nconnection: close\r\naccept-language: ".encode()
    assert running.raw(head + value + b"\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert not mbu.seen


def test_s02_a_cookie_is_seen_by_its_name_only(running: Running, mbu: Mbu, id: str) -> None:
    """Whatever stands beside it."""
    mbu.put(f"/themes/dark/{id}", "dark")
    for cookie in ("theme=dark", "a=1; theme=dark; session=s"):
        assert running.get(f"/theme/{id}", {"cookie": cookie}).json["data"] == {"theme": "dark"}
    assert mbu.calls[f"/themes/dark/{id}"] == 1
    assert "cookie" in running.get(f"/theme/{id}", {"cookie": "theme=dark"}).headers["vary"]


def test_no_secret_is_written_to_redis(running: Running, mbu: Mbu, id: str) -> None:
    """Neither what is handed on nor a cookie, in any key or entry: a keyed hash stands for each."""
    authorization = token(f"anna-{id}")
    mbu.put(f"/secrets/{id}", 1)
    mbu.put(f"/themes/s3cret-{id}/{id}", 1)
    running.get(f"/secret/{id}", {"authorization": authorization})
    running.get(f"/theme/{id}", {"cookie": f"theme=s3cret-{id}"})
    with redis.Redis.from_url(running.redis_url) as client:
        names = until(lambda: len(found := client.keys(f"{running.namespace}:*")) > 4 and found, "they are stored")
        held = b"".join(names) + b"".join(value for value in client.mget(names) if value)
    assert f"anna-{id}".encode() in held
    assert authorization.removeprefix("Bearer ").encode() not in held
    assert f"s3cret-{id}".encode() not in held


def test_forgetting_a_viewer_takes_everything_of_theirs_and_nothing_else(running: Running, mbu: Mbu, id: str) -> None:
    """It is overtaken, deleted, and stands in for no failure, though the fragment would let it."""
    anna, bert = f"anna-{id}", f"bert-{id}"
    for subject in (anna, bert):
        mbu.put(f"/carts/{subject}", subject)
        assert running.get(f"/cart/{id}", {"authorization": token(subject)}).json["data"]["cart"] == subject
    until(lambda: "L1" in running.get(f"/cart/{id}", {"authorization": token(anna)}).headers["cache-status"], "kept")
    mbu.refuse()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "aggregator", "forget", anna, "--namespace", running.namespace],
            env={**running.env, "AGGREGATOR_REDIS_URL": running.redis_url},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split()[1:] == ["2", "entries", "deleted"]
        got = running.get(f"/cart/{id}", {"authorization": token(anna)})
        assert got.json["data"]["cart"] is None
        assert anna.encode() not in got.body
        assert running.get(f"/cart/{id}", {"authorization": token(bert)}).json["data"]["cart"] == bert
    finally:
        mbu.accept()


NAMES = st.sampled_from(["x-debug", "cookie", "authorization", "accept-language", "x-forwarded-for", "range", "pragma"])
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
UNDECLARED = st.dictionaries(NAMES, VALUES, max_size=4)
QUERIES = st.lists(st.tuples(st.sampled_from(["page", "id", "q", "debug"]), st.integers(0, 99)), max_size=3)


@pytest.mark.prove
@settings(max_examples=scale(60, 1_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(UNDECLARED, QUERIES, st.binary(max_size=30), st.integers(0, 10**12))
def test_s01_s02_what_is_not_declared_never_changes_the_answer_nor_what_an_mbu_sees(
    running: Running, mbu: Mbu, headers: dict[str, str], query: list[tuple[str, int]], body: bytes, number: int
) -> None:
    """Header, cookie, query or body: the same bytes, and the same request to the MBU, cold and warm."""
    seen, answers = [], []
    for round_, extra in enumerate((False, True)):
        target = f"/plain/{number}-{round_}"
        mbu.put(target, {"v": 1})
        asked = target + ("?" + "&".join(f"{name}={value}" for name, value in query) if extra and query else "")
        got = running.get(asked, headers if extra else {}, body=body if extra else None)
        warm = running.get(target)
        assert (got.status, got.body, got.headers["etag"]) == (200, warm.body, warm.headers["etag"])
        answers.append((got.body, got.headers["etag"], got.headers["vary"], got.headers["cache-control"]))
        seen += [one.headers for one in mbu.seen if one.target == target]
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert answers[0] == answers[1]
    assert orjson.loads(answers[0][0]) == {"data": {"plain": {"v": 1}}}

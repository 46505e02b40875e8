"""Pages of declared origins may read every answer, whichever path gives it; nobody gets the lines of another's."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.http.conftest import PLAIN, Plain
from tests.running import Got, Mbu, Running, Says, until

APP, SHOP, EVIL = "https://app.example", "https://shop.example:8443", "https://evil.example"
NAMED = f'[cors]\norigins = ["{APP}", "{SHOP}"]\ncredentials = true\nmax_age = "1h"\n'
ANY = '[cors]\norigins = ["*"]\n'
# What a browser sends, and what is not the declared origin though it looks like it.
LIKE = (
    EVIL,
    "null",
    "https://app.example.evil",
    "http://app.example",
    "https://APP.example",
    f"{APP}/",
    f"{APP}, {APP}",
)
STRANGERS = (*LIKE, "https://app.example:443", "https://sub.app.example", "*", "", "https://app.exampl")
ASKS = {"access-control-request-method": "GET", "access-control-request-headers": "if-none-match"}
SCREENS = """
[screens.spoken]
path = "/spoken/{id}"
headers = ["accept-language"]
client_max_age = "1s"
slots = { said = "said" }
[fragments.said]
mbu = "m"
path = "/part/{id}/end"
headers = { accept-language = "{header.accept-language}" }
[screens.must]
path = "/must/{id}"
slots.part = { fragment = "part", required = true }
"""


@pytest.fixture(scope="module")
def named(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """A service that declares two origins, with credentials."""
    with Running(PLAIN.replace("$MBU", mbu.url) + SCREENS + NAMED, redis_url) as running:
        yield running


@pytest.fixture(scope="module")
def open_(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """One that declares any."""
    with Running(PLAIN.replace("$MBU", mbu.url) + SCREENS + ANY, redis_url) as running:
        yield running


def states(running: Running, mbu: Mbu, id: str, origin: str) -> Iterator[tuple[str, Got]]:
    """A screen as it is composed, out of L1, as a copy, and what of it or beside it is refused; by name."""
    told = {"origin": origin} if origin else {}
    mbu.answers[f"/base/part/{id}/end"] = Says(b'{"a":1}')
    mbu.answers[f"/base/part/bad-{id}/end"] = Says(status=500)
    yield "miss", running.get(f"/card/{id}", told)
    yield "hit", (hit := running.get(f"/card/{id}", told))
    assert 'detail="L1"' in hit.headers["cache-status"]
    yield "304", running.get(f"/card/{id}", told | {"if-none-match": hit.headers["etag"]})
    yield "head", running.get(f"/card/{id}", told, "HEAD")
    yield "own id", running.get(f"/card/{id}", told | {"x-request-id": "own"})
    yield "by the parser", running.get(f"/card/{id}", told | {"connection": "close"})
    yield "404", running.get("/nosuch", told)
    yield "404 of an input", running.get("/number/x", told)
    yield "405", running.get(f"/card/{id}", told, "POST")
    yield "400", running.get(f"/card/{id}", told | {"aggregator-min-position": "none"})
    yield "502", running.get(f"/must/bad-{id}", told)


def lines(got: Got) -> dict[str, str]:
    """Those of cross-origin sharing."""
    return {name.removeprefix("access-control-"): value for name, value in got.headers.items() if "access-" in name}


EXPOSED = "aggregator-slots, age, cache-status, etag, retry-after, x-request-id"


@pytest.mark.parametrize("origin", [APP, SHOP])
def test_a_page_of_a_declared_origin_reads_every_answer(named: Running, mbu: Mbu, id: str, origin: str) -> None:
    """Errors, too; under its own name, with credentials, and each answer says that it depends on the origin."""
    seen = dict(states(named, mbu, id, origin))
    told = {"allow-origin": origin, "allow-credentials": "true", "expose-headers": EXPOSED}
    assert {name: lines(got) for name, got in seen.items()} == dict.fromkeys(seen, told)
    assert all("origin" in got.headers["vary"].split(", ") for got in seen.values())
    expected = [200, 200, 304, 200, 200, 200, 404, 404, 405, 400, 502]
    assert [got.status for got in seen.values()] == expected


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_of_another_origin_reads_nothing(named: Running, mbu: Mbu, id: str, origin: str) -> None:
    """It gets no line, while Vary keeps what it got from the next page; nor does a request without an origin."""
    seen = dict(states(named, mbu, id, origin))
    assert {name: lines(got) for name, got in seen.items()} == {name: {} for name in seen}
    assert all("origin" in got.headers["vary"].split(", ") for got in seen.values())


@pytest.mark.parametrize("origin", [APP, EVIL])
def test_any_origin_may_be_declared_without_credentials(open_: Running, mbu: Mbu, id: str, origin: str) -> None:
    """Then every page reads, under no name."""
    seen = dict(states(open_, mbu, id, origin))
    told = {"allow-origin": "*", "expose-headers": EXPOSED}
    assert {name: lines(got) for name, got in seen.items()} == dict.fromkeys(seen, told)


def test_the_opaque_origin_is_never_any(open_: Running, mbu: Mbu, id: str) -> None:
    """Sandboxed pages and local files all have it."""
    assert not any(lines(got) for _, got in states(open_, mbu, id, "null"))
    assert open_.get(f"/card/{id}", ASKS | {"origin": "null"}, "OPTIONS").status == 403


def test_one_answer_in_l1_is_given_to_each_under_its_own_origin(named: Running, mbu: Mbu, id: str) -> None:
    """In whatever order they come, in each form: what is kept has nobody's lines."""
    mbu.answers[f"/base/part/{id}/end"] = Says(b'"' + b"long " * 400 + b'"')
    named.get(f"/card/{id}")
    for turn in range(20):
        for origin in (APP, SHOP, EVIL, "", APP, "null"):
            coding = {"accept-encoding": "br"} if turn % 2 else {}
            got = named.get(f"/card/{id}", ({"origin": origin} if origin else {}) | coding)
            assert 'detail="L1"' in got.headers["cache-status"]
            own = origin if origin in (APP, SHOP) else None
            assert got.headers.get("access-control-allow-origin") == own


@pytest.mark.parametrize("path", ["/card/{id}", "/nosuch", "/spoken/{id}"])
def test_a_preflight_asks_nobody(named: Running, mbu: Mbu, id: str, path: str) -> None:
    """Whatever the path, as a page may read errors; it tells what may be sent, by what is declared."""
    mbu.forget()
    got = named.get(path.format(id=id), ASKS | {"origin": APP}, "OPTIONS")
    assert (got.status, got.body, lines(got)) == (
        200,
        b"",
        {
            **{"allow-origin": APP, "allow-credentials": "true", "expose-headers": EXPOSED},
            **{"allow-methods": "GET, HEAD", "max-age": "3600"},
            "allow-headers": "accept-language, if-none-match, x-request-id, aggregator-min-position",
        },
    )
    assert got.headers["vary"] == "origin"
    assert not mbu.seen


@pytest.mark.parametrize("origin", [origin for origin in STRANGERS if origin])
def test_a_preflight_of_another_origin_is_403(named: Running, id: str, origin: str) -> None:
    """With no line, and the key that would declare it."""
    got = named.get(f"/card/{id}", ASKS | {"origin": origin}, "OPTIONS")
    assert (got.status, lines(got)) == (403, {})
    assert "[cors] origins" in got.json["detail"]
    assert named.get(f"/card/{id}", {"origin": APP}, "OPTIONS").status == 405


def test_what_nobody_declared_is_shared_with_nobody(plain: Plain, id: str) -> None:
    """No line, no preflight, and no answer depends on an origin."""
    plain.mbu.answers[f"/base/part/{id}/end"] = Says(b"1")
    paths = [f"/card/{id}", f"/card/{id}", "/nosuch"]
    preflight = plain.running.get(f"/card/{id}", ASKS | {"origin": APP}, "OPTIONS")
    for got in [preflight, *(plain.running.get(path, {"origin": APP}) for path in paths)]:
        assert not lines(got)
        assert "origin" not in got.headers.get("vary", "")
    assert preflight.status == 405


def test_a_reload_decides_anew_and_loses_nothing(mbu: Mbu, redis_url: str, id: str) -> None:
    """An origin that is declared no more reads nothing; what L1 holds stays, as it has nobody's lines."""
    declared = PLAIN.replace("$MBU", mbu.url)
    mbu.answers[f"/base/part/{id}/end"] = Says(b"1")
    with Running(declared + NAMED, redis_url) as running:
        for _ in range(2):
            assert lines(running.get(f"/card/{id}", {"origin": SHOP}))
        running.file.write_text(declared + NAMED.replace(SHOP, EVIL))
        os.kill(running.pid, signal.SIGHUP)
        until(lambda: lines(running.get(f"/card/{id}", {"origin": EVIL})), "it did not go over")
        got = running.get(f"/card/{id}", {"origin": SHOP})
        assert not lines(got)
        assert 'detail="L1"' in got.headers["cache-status"]
    assert mbu.calls[f"/base/part/{id}/end"] == 1

"""The forms of an answer: entity tags and conditions, HEAD, and msgpack."""

from collections.abc import Iterator

import msgpack
import pytest

from tests.http.conftest import PLAIN, Plain
from tests.running import Mbu, Running

MSGPACK = {"accept": "application/msgpack"}


@pytest.fixture
def running(plain: Plain) -> Running:
    """The shared service."""
    return plain.running


@pytest.fixture
def mbu(plain: Plain) -> Mbu:
    """Its MBU."""
    return plain.mbu


@pytest.fixture
def stranger(mbu: Mbu, redis_url: str) -> Iterator[Running]:
    """A process that shares nothing with the other one but the declaration."""
    with Running(PLAIN.replace("$MBU", mbu.url), redis_url) as one:
        yield one


def test_r55_the_entity_tag_is_of_the_bytes(running: Running, stranger: Running, mbu: Mbu, id: str) -> None:
    """It is strong, the same where the bytes are the same, whoever composed them, and another where they differ."""
    mbu.put(f"/base/part/{id}/end", {"a": 1})
    mbu.put(f"/base/part/x{id}/end", b'{"a": 1}')
    ours, theirs, others = running.get(f"/card/{id}"), stranger.get(f"/card/{id}"), running.get(f"/card/x{id}")
    assert ours.headers["etag"] == theirs.headers["etag"] != others.headers["etag"]
    assert mbu.calls[f"/base/part/{id}/end"] == 2
    assert ours.headers["etag"][0] == ours.headers["etag"][-1] == '"'


@pytest.mark.parametrize("condition", ["{}", "W/{}", '"a", {}', '"a",W/"b" ,W/{}', "*", '"a,b", {}'])
@pytest.mark.parametrize("accept", [{}, MSGPACK])
def test_r55_what_the_client_has_is_not_sent_again(
    running: Running, mbu: Mbu, id: str, condition: str, accept: dict[str, str]
) -> None:
    """If-None-Match: one tag or a list, weak or strong, or any: 304 with the headers a 200 would have, and no body."""
    mbu.put(f"/base/part/{id}/end", {"a": 1})
    whole = running.get(f"/card/{id}", accept)
    asked = {**accept, "if-none-match": condition.format(whole.headers["etag"])}
    for method in ("GET", "HEAD"):
        got = running.get(f"/card/{id}", asked, method)
        assert (got.status, got.body) == (304, b"")
        for name in ("etag", "cache-control", "vary"):
            assert got.headers[name] == whole.headers[name]
        assert "content-type" not in got.headers


@pytest.mark.parametrize("condition", ['"other"', 'W/"other"', "", '"', "{bare}", '"{bare}', "x{bare}x"])
def test_what_the_client_has_not_is_sent(running: Running, mbu: Mbu, id: str, condition: str) -> None:
    """Another tag, or what is no tag, makes no condition."""
    mbu.put(f"/base/part/{id}/end", {"a": 1})
    bare = running.get(f"/card/{id}").headers["etag"].strip('"')
    assert running.get(f"/card/{id}", {"if-none-match": condition.format(bare=bare)}).status == 200


@pytest.mark.parametrize("also", ["", ", {json}", ", {packed}"])
def test_what_the_client_has_for_another_request_is_no_copy(running: Running, mbu: Mbu, id: str, also: str) -> None:
    """A cache that holds both forms, and names the tags of both, is told the one that this request wants."""
    mbu.put(f"/base/part/{id}/end", {"a": 1})
    json, packed = (running.get(f"/card/{id}", accept).headers["etag"] for accept in ({}, MSGPACK))
    for accept, own, other in (({}, json, packed), (MSGPACK, packed, json)):
        condition = other + also.format(json=json, packed=packed)
        got = running.get(f"/card/{id}", {**accept, "if-none-match": condition})
        assert (got.status, got.headers["etag"]) == (304 if own in condition else 200, own)


def test_a_list_may_stand_on_several_lines(running: Running, mbu: Mbu, id: str) -> None:
    """Repeated field lines are one list (RFC 9110, section 5.3)."""
    mbu.put(f"/base/part/{id}/end", 1)
    tag = running.get(f"/card/{id}").headers["etag"]
    lines = f'if-none-match: {tag}\r\nif-none-match: "b"\r\naccept: application/json\r\nconnection: close'
    said = running.raw(f"GET /card/{id} HTTP/1.1\r\nhost: x\r\n{lines}\r\n\r\n".encode())
    assert said.startswith(b"HTTP/1.1 304")


def test_head_is_get_without_the_body(running: Running, mbu: Mbu, id: str) -> None:
    """The headers are those of GET, the length too; also where there is nothing."""
    mbu.put(f"/base/part/{id}/end", {"a": 1})
    for path in (f"/card/{id}", "/nowhere"):
        running.get(path)
        whole, head = running.get(path), running.get(path, method="HEAD")
        assert (head.status, head.body) == (whole.status, b"")
        varying = {"x-request-id", "date", "cache-status"}
        assert {name: head.headers[name] for name in set(head.headers) - varying} == {
            name: whole.headers[name] for name in set(whole.headers) - varying
        }
        assert int(head.headers["content-length"]) == len(whole.body)


@pytest.mark.parametrize(
    "accept",
    [
        "application/msgpack",
        "application/vnd.msgpack, application/json;q=0.9",
        "application/msgpack, */*;q=0.1",
        "application/x-msgpack",
    ],
)
def test_msgpack_is_the_same_object(running: Running, mbu: Mbu, id: str, accept: str) -> None:
    """Accept chooses the form; each form has a tag of its own."""
    mbu.put(f"/base/part/{id}/end", {"a": [1, 2.5, None, True, "é"]})
    plain, packed = running.get(f"/card/{id}"), running.get(f"/card/{id}", {"accept": accept})
    assert packed.headers["content-type"] == "application/msgpack"
    assert msgpack.unpackb(packed.body) == plain.json == {"data": {"part": {"a": [1, 2.5, None, True, "é"]}}}
    assert packed.headers["etag"] != plain.headers["etag"]
    assert plain.headers["vary"] == packed.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/msgpack;q=0", "application/json, application/msgpack;q=0.5", "?"]
)
def test_json_is_the_ordinary_form(running: Running, mbu: Mbu, id: str, accept: str) -> None:
    """Nobody gets msgpack who does not prefer it."""
    mbu.put(f"/base/part/{id}/end", 1)
    assert running.get(f"/card/{id}", {"accept": accept}).headers["content-type"] == "application/json"


def test_msgpack_takes_every_json_payload(running: Running, mbu: Mbu, id: str) -> None:
    """Where JSON says more than msgpack can, the answer is still one: integers of more than 64 bits are floats, and
    of repeated members the last one counts."""
    mbu.put(f"/base/part/{id}/end", b'{"big":123456789012345678901234567890,"most":18446744073709551615,"a":1,"a":2}')
    got = running.get(f"/card/{id}", MSGPACK)
    assert got.status == 200
    part = msgpack.unpackb(got.body)["data"]["part"]
    assert part == {"big": 1.2345678901234568e29, "most": 2**64 - 1, "a": 2}

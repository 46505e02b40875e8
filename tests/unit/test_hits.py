"""A hit is answered at once with what is fresh, proved and ordinary; anything else is left alone."""

from collections.abc import Callable
from typing import Any

import pytest

from aggregator.clock import FleetClock
from aggregator.http.blocks import Blocks
from aggregator.http.forms import made
from aggregator.http.heads import Parts, Template
from aggregator.http.hits import Hits
from aggregator.http.inputs import InputReader
from aggregator.http.making import Making
from aggregator.http.meters import Meters
from aggregator.identity.viewers import Viewers
from aggregator.model.address import Addresses
from aggregator.model.entry import SlotState
from aggregator.model.held import Form, Held
from aggregator.model.ledger import Ledger
from aggregator.model.position import Position, position_of
from aggregator.model.screen import Slot
from aggregator.model.view import View, digest_of
from aggregator.tiers.memory import MemoryTier
from cache_policies.eviction.lru import Lru
from cache_policies.policy import Lifetime, Moments, Timing, plain_moments
from tests.world import fragment, screen

HOME, CARD = (screen(Slot("feed", fragment("feed")), name=name) for name in ("home", "card"))
AT = 1_750_000_000.0
BODY = b'{"data":{"feed":"' + b"x" * 2_000 + b'"}}'
DIGEST = digest_of(BODY).decode()
HERE = position_of(1, 5, 0)


class Edge:
    """The hits of a process that may vouch, whose L1 holds what is put there. now: fleet seconds, moved by hand."""

    def __init__(self, **bounds: int) -> None:
        self.now = AT
        self.ledger = Ledger()
        self.ledger.proof_until = 1_000.0
        self.clock = FleetClock(lambda: self.now - AT, wall=AT)
        self.memory = MemoryTier(1 << 20, self.ledger, Lru(), HOME.common_tags | CARD.common_tags)
        self.meters = Meters()
        reader = InputReader(Viewers((), self.clock.now), str)
        blocks = Blocks(reader, Addresses([HOME, CARD]), self.clock.now)
        making, watch = Making(self.memory), self.meters.watch
        self.read: list[Held] = []
        self.hits = Hits(self.memory, self.ledger, self.clock, blocks, making, watch, self.read.append, **bounds)

    def put(self, address: bytes = b"/home/42", position: Position = HERE, **more: Any) -> Held:
        """A view that was made just now, fresh for a minute."""
        timing = Timing(self.now, Lifetime(60.0))
        given: dict[str, Any] = {"until": plain_moments(timing), "slots": self.told(), **more}
        tags = tuple(HOME.common_tags)
        view = View(
            **{"status": 200, "at": self.now, "timing": timing, **given},
            **{"body": BODY, "digest": digest_of(BODY), "tags": tags, "position": position},
        )
        held = self.memory.put(CARD if b"card" in address else HOME, address, view)
        assert held
        return held

    def told(self, state: str = "fresh", **more: int) -> tuple[SlotState, ...]:
        """What there is to tell of the slot."""
        return (SlotState("feed", state, self.now, self.now + 60.0, **more),)

    def form(self, held: Held, name: str) -> Form:
        """Another form of a view."""
        kept = Form(name, made(name, BODY) or b"")
        assert self.memory.add_form(held, kept)
        return kept

    def ask(self, *lines: str, target: str = "/home/42", method: str = "GET") -> bytes | None:
        """The answer to a request."""
        return self.hits.answer("\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *lines, "", ""]).encode())

    def get(self, *lines: str, **asked: str) -> tuple[bytes, dict[bytes, bytes], bytes]:
        """Its first line, headers and body."""
        answer = self.ask(*lines, **asked)
        assert answer is not None
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *told = head.split(b"\r\n")
        return first, dict(line.split(b": ", 1) for line in told), body


@pytest.fixture
def edge() -> Edge:
    """One whose L1 holds a view at /home/42."""
    edge = Edge()
    edge.put()
    return edge


def test_a_hit_is_a_whole_response(edge: Edge) -> None:
    """With the date, and an id."""
    edge.now += 5.25
    first, headers, body = edge.get()
    assert (first, body) == (b"HTTP/1.1 200 OK", BODY)
    assert headers[b"date"] == b"Sun, 15 Jun 2025 15:06:45 GMT"
    assert (headers[b"age"], headers[b"content-length"]) == (b"5", str(len(BODY)).encode())
    assert [*headers][:3] == [b"date", b"x-request-id", b"cache-control"]
    assert len(headers[b"x-request-id"]) == 16
    assert edge.get()[1][b"x-request-id"] != headers[b"x-request-id"]


def test_the_clients_own_id_comes_back(edge: Edge) -> None:
    """In its place, whatever else is asked for; and a new one in place of what is none."""
    held = edge.memory.find(b"/home/42")
    assert held
    edge.form(held, "br")
    conditions = [(), *((f'If-None-Match: "{DIGEST}{suffix}"',) for suffix in ("", "-br"))]
    for lines in [*conditions, *(("Accept-Encoding: br", *condition) for condition in conditions)]:
        usual, own = edge.get(*lines), edge.get("X-Request-Id: own", *lines)
        assert [*own[1]] == [*usual[1]]
        assert own == (usual[0], {**usual[1], b"x-request-id": b"own"}, usual[2])
    assert edge.get("X-Request-Id: not one")[1][b"x-request-id"] != b"not one"


def test_head_is_get_without_its_body(edge: Edge) -> None:
    """Its length too."""
    got, head = edge.get("X-Request-Id: a"), edge.get("X-Request-Id: a", method="HEAD")
    assert head == (*got[:2], b"")


def test_reads_are_counted_and_the_first_is_told(edge: Edge) -> None:
    """And the first since they were last counted."""
    held = edge.memory.find(b"/home/42")
    assert held is not None
    for told in (1, 2):
        for _ in range(3):
            edge.get()
        assert (held.reads, edge.read) == (3, [held] * told)
        held.reads = 0


@pytest.mark.parametrize("method", ["POST", "get", "OPTIONS", "DELETE", ""])
def test_no_other_method_is_answered(edge: Edge, method: str) -> None:
    """Nor counted."""
    assert edge.ask(method=method) is None
    assert served(edge) == {}


@pytest.mark.parametrize("target", ["/home/43", "/home/42/", "/home/42?", "/home/42?a=1", "/home/%342", "/card/42"])
def test_another_target_is_not_answered(edge: Edge, target: str) -> None:
    """Also another spelling, which the ordinary path reads."""
    assert edge.ask(target=target) is None


@pytest.mark.parametrize(
    "data", [b"", b"GET", b"GET /home/42", b"GET /home/42 HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01"]
)
def test_what_is_no_whole_request_is_not_answered(edge: Edge, data: bytes) -> None:
    """More of it may come."""
    assert edge.hits.answer(data) is None


def test_r55_a_copy_is_answered_with_its_own_tag(edge: Edge) -> None:
    """304 without content; also where its form is wanted and not made yet."""
    whole = edge.get()[1]
    first, headers, body = edge.get(f'If-None-Match: "{DIGEST}"')
    assert (first, body) == (b"HTTP/1.1 304 Not Modified", b"")
    ours = {name: value for name, value in whole.items() if not name.startswith(b"content-")}
    assert headers == {**ours, b"x-request-id": headers[b"x-request-id"]}
    held = edge.memory.find(b"/home/42")
    assert held
    for form in ("br", "gzip"):
        edge.memory.add_form(held, Form(form, b""))
        other = edge.get(f"Accept-Encoding: {form}", f'If-None-Match: W/"{DIGEST}-{form}"')
        assert (other[0], other[1][b"etag"], other[2]) == (first, f'"{DIGEST}-{form}"'.encode(), b"")
        assert {**other[1], b"etag": b""}.keys() == headers.keys()


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("msgpack", ()),
        ("br", ()),
        ("br", ("Accept-Encoding: gzip",)),
        ("gzip", ("Accept-Encoding: br",)),
        ("", ("Accept: application/msgpack",)),
        ("msgpack-br", ("Accept-Encoding: br",)),
    ],
)
def test_a_copy_in_a_form_that_is_not_wanted_does_not_count(edge: Edge, form: str, lines: tuple[str, ...]) -> None:
    """What a client holds for another request is not taken for the answer to this one."""
    held = edge.memory.find(b"/home/42")
    assert held
    edge.form(held, "br")
    edge.memory.add_form(held, Form("gzip", b""))
    tag = f'"{DIGEST}-{form}"' if form else f'"{DIGEST}"'
    first, headers, body = edge.get(*lines, f"If-None-Match: {tag}")
    assert first == b"HTTP/1.1 200 OK"
    assert headers[b"etag"] != tag.encode()
    assert body


def test_of_several_copies_the_one_that_would_be_sent_is_named(edge: Edge) -> None:
    """Whichever stands first."""
    for had in (f'"{DIGEST}-br", "{DIGEST}"', f'"{DIGEST}", "{DIGEST}-br"'):
        assert edge.get(f"If-None-Match: {had}")[1][b"etag"] == f'"{DIGEST}"'.encode()


def test_a_copy_of_another_body_is_not_current(edge: Edge) -> None:
    """The whole is sent."""
    assert edge.get(f'If-None-Match: "{DIGEST[::-1]}", "other"')[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("form", ["br", "gzip", "zstd", "msgpack", "msgpack-br"])
def test_a_form_that_is_there_is_sent(edge: Edge, form: str) -> None:
    """With its own tag; a copy in it is answered so, too."""
    held = edge.memory.find(b"/home/42")
    assert held
    kept = edge.form(held, form)
    packed, _, coding = form.partition("-") if form.startswith("msgpack") else ("", "", form)
    lines = [
        *([f"Accept: application/{packed}"] if packed else []),
        *([f"Accept-Encoding: {coding}"] if coding else []),
    ]
    _, headers, body = edge.get(*lines)
    assert (body, headers[b"etag"]) == (kept.body, f'"{DIGEST}-{form}"'.encode())
    assert headers.get(b"content-encoding", b"") == coding.encode()
    first, short, _ = edge.get(*lines, f'If-None-Match: "{DIGEST}-{form}"')
    assert (first, short[b"etag"]) == (b"HTTP/1.1 304 Not Modified", headers[b"etag"])
    uncoded = f'"{DIGEST}-{packed}"' if packed else f'"{DIGEST}"'
    assert edge.get(*lines, f"If-None-Match: {uncoded}")[1][b"etag"] == uncoded.encode()


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The forms whose heads were made."""
    heads: list[str] = []
    original = Template.head

    def head(self: Template, held: Held, form: str, second: int, length: int) -> Parts:
        heads.append(form)
        return original(self, held, form, second, length)

    monkeypatch.setattr(Template, "head", head)
    return heads


def test_a_head_is_kept_for_a_second(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each form, from the second time on; GET, HEAD and 304 share it."""
    heads = counting(monkeypatch)
    held = edge.memory.find(b"/home/42")
    assert held
    kept = edge.form(held, "br")
    for _ in range(3):
        for lines in ((), ("Accept-Encoding: br",), (f'If-None-Match: "{DIGEST}"',)):
            edge.get(*lines)
            edge.get(*lines, method="HEAD")
    assert heads == ["", "", "br", "br"]
    edge.now += 0.999
    edge.get()
    assert heads == ["", "", "br", "br"]
    heads.clear()
    edge.now += 0.001
    assert edge.get()[1][b"age"] == b"1"
    assert heads == [""]
    assert kept.head is None, "it was not asked for this second, and takes no room"
    assert [edge.get()[1][b"age"] for _ in range(3)] == [b"1"] * 3
    assert heads == ["", ""]
    edge.now += 1
    edge.put(b"/card/42")
    edge.get(target="/card/42")
    assert held.head is None


def test_what_a_second_asks_for_once_keeps_no_head(edge: Edge) -> None:
    """Of what is asked for rarely none takes room; from the second time on it is the same bytes."""
    held = edge.memory.find(b"/home/42")
    assert held
    for _ in range(3):
        edge.now += 1
        first = edge.get()
        assert held.head == b""
        more = [edge.get() for _ in range(3)]
        assert held.head
        assert {answer[1].pop(b"x-request-id") for answer in more}.isdisjoint([first[1].pop(b"x-request-id")])
        assert more == [first] * 3


@pytest.mark.parametrize(
    ("lines", "method"), [((), "HEAD"), ((f'If-None-Match: "{DIGEST}"',), "GET"), (("X-Request-Id: a",), "GET")]
)
def test_a_head_that_was_made_in_one_piece_is_kept_at_once(
    lines: tuple[str, ...], method: str, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for HEAD, or where the client has a copy or an id; the next answer has it, and the next second has not."""
    heads = counting(monkeypatch)
    edge.get(*lines, method=method)
    edge.get()
    assert heads == [""]
    edge.now += 1
    assert edge.get()[1][b"age"] == b"1"


def test_slots_are_told_apart_where_they_are_not_as_old_as_the_whole(edge: Edge) -> None:
    """Also one that another process has loaded a moment ahead of this one's clock."""
    edge.put(slots=(SlotState("feed", "fresh", AT + 3, AT + 60),))
    for now, age, of_slot in ((0, b"0", b"0"), (2.5, b"2", b"0"), (5, b"5", b"2")):
        edge.now = AT + now
        for _ in range(3):
            headers = edge.get()[1]
            assert (headers[b"age"], headers[b"aggregator-slots"]) == (age, b'"feed";state=fresh;age=' + of_slot)


def test_a_clock_that_is_set_back_makes_new_heads(edge: Edge) -> None:
    """The fleet's time may be corrected either way; also to before the view was there."""
    edge.now += 5
    for offset, age in ((0, b"5"), (-2, b"3"), (3, b"6"), (-8, b"0")):
        edge.clock.offset += offset
        assert [edge.get()[1][b"age"] for _ in range(3)] == [age] * 3


def test_a_view_that_is_put_anew_has_a_head_of_its_own(edge: Edge) -> None:
    """Within one second."""
    for _ in range(2):
        edge.get()
    edge.put(timing=Timing(AT, Lifetime(20.0)))
    assert b";ttl=19;" in edge.get()[1][b"cache-status"]


BARELY = Moments(AT + 1.0, AT + 1.0, AT + 1.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda edge: setattr(edge, "now", AT + 60.0),
        lambda edge: setattr(edge.ledger, "proof_until", 0.0),
        lambda edge: setattr(edge.ledger, "proof_until", float("-inf")),
        lambda edge: setattr(edge.ledger, "barrier", Position(HERE + 1)),
        lambda edge: edge.put(status=404),
        lambda edge: edge.put(whole=False),
        lambda edge: edge.put(stale=True),
        lambda edge: edge.put(unproven=True),
        lambda edge: edge.put(kept=False),
        lambda edge: edge.put(late=True),
        lambda edge: edge.put(slots=edge.told("absent")),
        lambda edge: edge.put(slots=edge.told("stale")),
        lambda edge: edge.put(slots=edge.told(missing=1)),
        lambda edge: edge.put(slots=()),
        lambda edge: (edge.put(until=BARELY), setattr(edge, "now", AT + 1.0)),
        lambda edge: edge.memory.overtake("*", Position(HERE + 1)),
        lambda edge: edge.memory.remove(edge.memory.find(b"/home/42")),
    ],
)
def test_what_is_not_fresh_proved_and_ordinary_is_left_alone(edge: Edge, change: Callable[[Edge], object]) -> None:
    """It is answered, used, or counted by nobody here."""
    assert edge.ask()
    before = served(edge)
    change(edge)
    for lines in ((), (f'If-None-Match: "{DIGEST}"',), ("Accept-Encoding: br",)):
        assert edge.ask(*lines) is None
    assert served(edge) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda edge: setattr(edge, "now", AT + 59.999),
        lambda edge: setattr(edge.ledger, "proof_until", 0.001),
        lambda edge: setattr(edge.ledger, "barrier", HERE),
        lambda edge: (edge.put(until=BARELY), setattr(edge, "now", AT + 0.999)),
    ],
)
def test_what_still_is_so_is_answered(edge: Edge, change: Callable[[Edge], object]) -> None:
    """To the last moment, and at the barrier itself."""
    change(edge)
    assert edge.ask()


def served(edge: Edge) -> dict[tuple[str, ...], float]:
    """What the metrics say was served, by labels."""
    return {
        tuple(labels): value for name, labels, value in edge.meters.snapshot() if name == "screens_served" and value
    }


def test_hits_are_counted_by_screen(edge: Edge) -> None:
    """Whatever the client had, and each once, however often it is read out."""
    edge.put(b"/card/1")
    for lines in ((), (f'If-None-Match: "{DIGEST}"',)):
        edge.get(*lines)
    edge.get(method="HEAD")
    edge.get(target="/card/1")
    expected = {("home", "l1", "fresh"): 3, ("card", "l1", "fresh"): 1}
    assert served(edge) == served(edge) == expected
    edge.get()
    assert served(edge) == {**expected, ("home", "l1", "fresh"): 4}


def test_all_views_of_a_screen_share_a_page(edge: Edge) -> None:
    """Which counts their hits, and is not looked up again."""
    edge.put(b"/home/43")
    edge.get()
    edge.get(target="/home/43")
    one, other = edge.memory.find(b"/home/42"), edge.memory.find(b"/home/43")
    assert one
    assert other
    assert isinstance(one.page, Template)
    assert one.page is other.page
    assert one.page.hits == 2
    edge.put(b"/card/1")
    edge.get(target="/card/1")
    card = edge.memory.find(b"/card/1")
    assert card
    assert card.page
    assert (card.page.hits, one.page.hits) == (1, 2)


def test_a_target_is_answered_up_to_its_bound() -> None:
    """Bytes of it."""
    for longest, answered in ((8, True), (7, False)):
        edge = Edge(longest=longest)
        edge.put()
        assert (edge.ask() is not None) is answered
        assert (served(edge) != {}) is answered


def test_a_hit_is_a_use(edge: Edge) -> None:
    """Of two views the one that was not asked for leaves first."""
    edge.put(b"/home/43")
    edge.get()
    assert edge.memory._eviction.victim().key == b"/home/43"


def test_the_last_hit_is_noted(edge: Edge) -> None:
    """On the monotonic clock, by which connections are kept; what is left alone is none."""
    edge.now += 3
    edge.get()
    edge.now += 4
    edge.ask(target="/home/43")
    assert edge.hits.at == 3.0

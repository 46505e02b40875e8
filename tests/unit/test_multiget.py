"""Multiget asks for many in one call, and everyone gets their own outcome, as if they had been asked for alone."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from aggregator.engine.joining import FragmentJoining
from aggregator.model.batch import Batch
from aggregator.model.hops import HEADER
from aggregator.model.payload_path import PayloadPath
from aggregator.model.template import Template
from loaders.batching import Batching
from loaders.gathering import Gathering
from loaders.loader import Absent, Failed, Loaded, LoadRequest, NotModified, Outcome, Reason
from loaders.multiget import MAX_IDS_BYTES, Multiget
from loaders.scripted import ScriptedLoader
from tests.virtual_time import run

PATH = "/many?ids={ids}"


def joining(path: str = PATH, most: int = 3, items: str | None = None) -> FragmentJoining:
    where = PayloadPath.parse(items) if items else None
    return FragmentJoining(Batch(Template.parse(path), "id", PayloadPath.parse("id"), most, where), "article")


def wanted(id: str, headers: Mapping[str, str] | None = None, expires_at: float = 9.0, **others: str) -> LoadRequest:
    return LoadRequest(f"/one/{id}", headers or {}, {"id": id, **others}, expires_at, "article")


def element(request: LoadRequest) -> Outcome:
    """A single answer, with white space in it."""
    return Loaded(b'{ "id" : "%b" }' % request.inputs["id"].encode(), {"etag": '"one"'})


def scripted(answers: Mapping[str, Outcome], *singles: str) -> ScriptedLoader:
    """answers: to joined targets. singles: ids that may be asked for alone."""
    return ScriptedLoader({**answers, **{f"/one/{id}": element for id in singles}})


def load(inner: ScriptedLoader, requests: Sequence[LoadRequest], how: FragmentJoining | None = None) -> list[Outcome]:
    return run(_load(Multiget(inner, how or joining()), requests))


async def _load(loader: Multiget, requests: Sequence[LoadRequest]) -> list[Outcome]:
    return list(await loader.load(requests))


def sent(inner: ScriptedLoader) -> list[str]:
    return [request.target for batch in inner.batches for request in batch]


def many(payload: bytes, **headers: str) -> dict[str, Outcome]:
    return {"/many?ids=1,2": Loaded(payload, {name.replace("_", "-"): value for name, value in headers.items()})}


TWO = [wanted("1"), wanted("2")]


def test_loads_are_joined_into_one_call_and_come_back_in_their_own_order() -> None:
    """Whatever the MBU's order; elements that nobody asked for are nobody's."""
    inner = scripted({"/many?ids=2,1,3": Loaded(b'[{"id":3},{"id":"9"},{"id": 1},null,{"id":"2"}]')})
    outcomes = load(inner, [wanted("2"), wanted("1"), wanted("3")])
    assert outcomes == [Loaded(b'{"id":"2"}', {}), Loaded(b'{"id":1}', {}), Loaded(b'{"id":3}', {})]
    assert sent(inner) == ["/many?ids=2,1,3"]


def test_the_joined_request_is_all_of_them() -> None:
    """Without validators, which name single answers; wanted until the last of them is wanted no more."""
    inner = scripted({"/many?ids=1,2": Loaded(b"[]")})
    mine = {"accept-language": "de"}
    stale = {**mine, "if-none-match": '"x"', "if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}
    load(inner, [wanted("1", stale, 5.0, shop="s"), wanted("2", mine, 6.0, shop="s"), wanted("1", mine, 7.0, shop="s")])
    assert inner.batches == [
        (LoadRequest("/many?ids=1,2", {"accept-language": "de"}, {"shop": "s", "ids": "1,2"}, 7.0, "article"),)
    ]


def test_an_id_that_the_answer_lacks_is_absent_and_one_that_is_there_twice_fails_alone() -> None:
    inner = scripted({"/many?ids=1,2,3": Loaded(b'[{"id":1},{"id":1},{"id":2,"a":1},{"id":2}]', {"age": "1"})})
    first, second, third = load(inner, [wanted("1"), wanted("2"), wanted("3")])
    assert first == Loaded(b'{"id":1}', {"age": "1"})
    assert isinstance(second, Failed)
    assert second.reason is Reason.PAYLOAD
    assert third == Absent({"age": "1"})


def test_each_has_the_headers_of_the_whole_but_its_validators() -> None:
    kept = {"cache-control": "max-age=1", "cache-groups": '"g"'}
    headers = {**kept, "etag": '"list"', "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}
    inner = scripted({"/many?ids=1,2": Loaded(b'[{"id":1}]', headers)})
    assert load(inner, TWO) == [Loaded(b'{"id":1}', kept), Absent(kept)]
    inner.answers["/many?ids=1,2"] = Absent(headers)
    assert load(inner, TWO) == [Absent(kept), Absent(kept)]


def test_every_byte_of_an_element_survives() -> None:
    inner = scripted(many(b'[{"id":1,"n":123456789012345678901234567890,"f":1.0,"e":1e0,"t":"\\u00e9"},{"id":2}]'))
    assert load(inner, TWO)[0] == Loaded(
        b'{"id":1,"n":123456789012345678901234567890,"f":1.0,"e":1e0,"t":"\\u00e9"}', {}
    )


def test_the_list_may_lie_in_the_answer() -> None:
    inner = scripted(many(b'{"articles":{"list":[{"id":2}]}}'))
    assert load(inner, TWO, joining(items="articles.list")) == [Absent({}), Loaded(b'{"id":2}', {})]


@pytest.mark.parametrize("payload", [b'{"id":1}', b"null", b"1", b"[" * 1_000 + b"]" * 1_000])
def test_an_answer_that_is_no_list_fails_all_without_telling_it(payload: bytes) -> None:
    first, second = load(scripted(many(payload)), TWO)
    assert isinstance(first, Failed)
    assert first == second
    assert first.reason is Reason.PAYLOAD
    assert payload.decode() not in first.detail


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Absent({"age": "1"}), Absent({"age": "1"})),
        (Failed(Reason.STATUS, "status 503", 2.0, 503), Failed(Reason.STATUS, "status 503", 2.0, 503)),
        (NotModified(), Failed(Reason.STATUS, "answered 304 to a request without validators")),
    ],
)
def test_what_is_said_of_the_whole_is_said_of_each(answer: Outcome, outcome: Outcome) -> None:
    assert load(scripted({"/many?ids=1,2": answer}), TWO) == [outcome, outcome]


def test_one_id_alone_goes_as_it_is_and_its_bytes_are_those_of_an_element() -> None:
    """With its validators, so that a 304 is of use."""
    inner = scripted({}, "1")
    asked = wanted("1", {"if-none-match": '"one"'})
    assert load(inner, [asked]) == [Loaded(b'{"id":"1"}', {"etag": '"one"'})]
    assert inner.batches == [(asked,)]
    inner.answers["/one/1"] = NotModified({"age": "1"})
    assert load(inner, [asked]) == [NotModified({"age": "1"})]


def test_a_single_answer_that_cannot_be_made_compact_fails() -> None:
    inner = ScriptedLoader({"/one/1": Loaded(b"[" * 1_000 + b"]" * 1_000)})
    [outcome] = load(inner, [wanted("1")])
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.PAYLOAD


def test_equal_ids_are_asked_for_once_in_a_call() -> None:
    inner = scripted(many(b'[{"id":1},{"id":2}]'))
    outcomes = load(inner, [wanted("1"), wanted("2"), wanted("1"), wanted("1")])
    assert outcomes == [Loaded(b'{"id":%d}' % id, {}) for id in (1, 2, 1, 1)]
    assert sent(inner) == ["/many?ids=1,2"]


def test_of_equal_ids_without_another_each_keeps_its_own_validators() -> None:
    """1. One holds an old answer, the other none. 2. A 304 to the first would be no answer to the second."""

    def answer(request: LoadRequest) -> Outcome:
        return NotModified() if "if-none-match" in request.headers else Loaded(b"1")

    inner = ScriptedLoader({"/one/1": answer})
    assert load(inner, [wanted("1", {"if-none-match": '"x"'}), wanted("1")]) == [NotModified(), Loaded(b"1")]


def test_other_inputs_and_headers_part_groups_and_validators_and_hops_do_not() -> None:
    inner = scripted({"/many?ids=1,2": Loaded(b'[{"id":1},{"id":2}]')}, "3", "4", "5")
    requests = [
        wanted("1", {"if-none-match": '"x"', HEADER: "here"}),
        wanted("3", {"accept-language": "de"}),
        wanted("4", shop="s"),
        wanted("5", {"accept-language": "fr"}),
        wanted("2", {"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT", HEADER: "there"}),
    ]
    payloads = [outcome.payload for outcome in load(inner, requests) if isinstance(outcome, Loaded)]
    assert payloads == [b'{"id":1}', b'{"id":"3"}', b'{"id":"4"}', b'{"id":"5"}', b'{"id":2}']
    assert sorted(sent(inner)) == ["/many?ids=1,2", "/one/3", "/one/4", "/one/5"]


def test_two_groups_are_two_calls_and_their_ids_do_not_mix() -> None:
    path = "/{shop}?ids={ids}"
    inner = scripted({"/a?ids=1,2": Loaded(b'[{"id":1,"at":"a"}]'), "/b?ids=1,2": Loaded(b'[{"id":1,"at":"b"}]')})
    requests = [wanted(id, shop=shop) for id in ("1", "2") for shop in ("a", "b")]
    outcomes = load(inner, requests, joining(path))
    assert outcomes == [Loaded(b'{"id":1,"at":"a"}', {}), Loaded(b'{"id":1,"at":"b"}', {}), Absent({}), Absent({})]


def test_a_call_has_a_largest_number_of_ids_and_the_one_left_over_goes_as_it_is() -> None:
    """All of them in one load of the inner loader, which runs them side by side."""
    answers = {f"/many?ids={a},{a + 1},{a + 2}": Loaded(b'[{"id":%d},{"id":%d}]' % (a, a + 2)) for a in (0, 3)}
    inner = scripted(answers, "6")
    outcomes = load(inner, [wanted(str(id)) for id in range(7)])
    assert [type(outcome) for outcome in outcomes] == [Loaded, Absent, Loaded, Loaded, Absent, Loaded, Loaded]
    assert outcomes[3] == Loaded(b'{"id":3}', {})
    assert [[request.target for request in batch] for batch in inner.batches] == [[*answers, "/one/6"]]


def test_a_call_has_a_largest_length_of_ids_as_they_are_sent() -> None:
    """Each character is three bytes then; the first two ids and their comma are a call's ids to the byte."""
    fits = ["/" * 682, "/" * 683]
    joined = f"/many?ids={'%2F' * 682},{'%2F' * 683}"
    assert len(joined) == len("/many?ids=") + MAX_IDS_BYTES
    more = ["?" * 682, "?" * 683]
    second = f"/many?ids={'%3F' * 682},{'%3F' * 683}"
    inner = scripted({joined: Loaded(b"[]"), second: Loaded(b"[]")}, "3")
    load(inner, [wanted(id) for id in [*fits, *more, "3"]], joining(most=100))
    assert sent(inner) == [joined, second, "/one/3"]

    longer = [fits[0] + "x", fits[1]]
    inner = scripted({}, *longer)
    load(inner, [wanted(id) for id in longer], joining(most=100))
    assert sent(inner) == [f"/one/{id}" for id in longer]


def test_an_id_longer_than_a_call_goes_as_it_is() -> None:
    long = "x" * (MAX_IDS_BYTES + 1)
    inner = scripted({"/many?ids=1,2": Loaded(b"[]")}, long)
    load(inner, [wanted(long), wanted("1"), wanted("2")], joining(most=100))
    assert sent(inner) == [f"/one/{long}", "/many?ids=1,2"]


def test_odd_ids_are_found_again() -> None:
    inner = scripted({"/many?ids=a%2Fb,50%25,%C3%A9": Loaded('[{"id":"é"},{"id":"a/b"},{"id":"50%"}]'.encode())})
    outcomes = load(inner, [wanted("a/b"), wanted("50%"), wanted("é")])
    assert outcomes == [Loaded(f'{{"id":"{id}"}}'.encode(), {}) for id in ("a/b", "50%", "é")]


@pytest.mark.parametrize("odd", ["1,2", "", "a/..", ".."])
def test_an_id_that_cannot_stand_in_a_list_goes_as_it_is_and_does_not_keep_the_others_apart(odd: str) -> None:
    """Where ids are in the batch's path, too, one that would lead elsewhere."""
    inner = scripted({"/many/1,2": Loaded(b'[{"id":1},{"id":2}]')}, odd, "x,y")
    outcomes = load(inner, [wanted("1"), wanted(odd), wanted("x,y"), wanted("2")], joining("/many/{ids}"))
    singles = [Loaded(b'{"id":"%b"}' % id.encode(), {"etag": '"one"'}) for id in (odd, "x,y")]
    assert outcomes == [Loaded(b'{"id":1}', {}), *singles, Loaded(b'{"id":2}', {})]
    assert sorted(sent(inner)) == sorted(["/many/1,2", f"/one/{odd}", "/one/x,y"])


def test_a_failed_call_costs_its_own_ids_only() -> None:
    failed = Failed(Reason.CONNECT, "cut")
    inner = scripted({"/many?ids=0,1,2": failed, "/many?ids=3,4": Loaded(b'[{"id":3},{"id":4}]')})
    outcomes = load(inner, [wanted(str(id)) for id in range(5)])
    assert outcomes == [failed, failed, failed, Loaded(b'{"id":3}', {}), Loaded(b'{"id":4}', {})]


class OneByOne:
    """A `Single` that raises for some targets."""

    def __init__(self, answer: Callable[[LoadRequest], Outcome]) -> None:
        self._answer = answer

    async def load_one(self, request: LoadRequest) -> Outcome:
        return self._answer(request)

    async def close(self) -> None:
        """Nothing is held."""


def test_a_defect_in_one_call_costs_its_own_places_only(caplog: pytest.LogCaptureFixture) -> None:
    """As for any loader around one that gathers."""
    caplog.set_level("CRITICAL")

    def answer(request: LoadRequest) -> Outcome:
        if "0" in request.target:
            raise RuntimeError("broken")
        return Loaded(b'[{"id":3},{"id":4}]')

    loader = Multiget(Gathering(OneByOne(answer)), joining())
    outcomes = run(_load(loader, [wanted(str(id)) for id in range(5)]))
    assert [outcome.reason if isinstance(outcome, Failed) else None for outcome in outcomes] == [Reason.DEFECT] * 3 + [
        None,
        None,
    ]


def test_nothing_asked_is_nothing_answered_and_closing_closes_what_is_inside() -> None:
    inner = ScriptedLoader()
    assert load(inner, []) == []
    run(Multiget(inner, joining()).close())
    assert inner.closed


def test_what_is_asked_in_one_tick_goes_out_together_when_batching_is_around() -> None:
    """`Batching` may not part it: it counts requests, where `Multiget` counts ids. Who leaves is not asked for, and who
    leaves later does not take the call from the others."""

    async def main() -> None:
        ids = [str(id) for id in range(1, 251)]
        calls = [ids[1:101], ids[101:201], ids[201:]]
        answers = {
            f"/many?ids={','.join(call)}": Loaded(b"[%b]" % b",".join(b'{"id":%b}' % id.encode() for id in call))
            for call in calls
        }
        inner = scripted(answers)
        inner.hold(next(iter(answers)))
        loader = Batching(Multiget(inner, joining(most=100)), max_size=1_000_000)
        loads = [asyncio.ensure_future(loader.load([wanted(id)])) for id in ids]
        asyncio.get_running_loop().call_soon(loads[0].cancel)
        await inner.asked(next(iter(answers)))
        loads[1].cancel()
        inner.release(next(iter(answers)))
        outcomes = await asyncio.gather(*loads, return_exceptions=True)
        assert outcomes[2:] == [[Loaded(b'{"id":%b}' % id.encode(), {})] for id in ids[2:]]
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[:2])
        assert sent(inner) == list(answers)

    run(main())

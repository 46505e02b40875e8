"""A batch asks for ids in one target, and finds each one's own bytes in the answer."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.batch import Batch, BatchMistake, compact
from aggregator.model.payload_path import PayloadPath
from aggregator.model.template import Template


def batch(path: str = "/articles?ids={ids}", key: str = "id", items: str | None = None) -> Batch:
    where = PayloadPath.parse(items) if items else None
    return Batch(Template.parse(path), "id", PayloadPath.parse(key), 100, where)


@pytest.mark.parametrize(
    ("ids", "target"),
    [
        (["1"], "/articles?ids=1"),
        (["1", "2", "30"], "/articles?ids=1,2,30"),
        (["a/b", "50%", "{x}", "é", "a&b=c", "%2C"], "/articles?ids=a%2Fb,50%25,%7Bx%7D,%C3%A9,a%26b%3Dc,%252C"),
    ],
)
def test_ids_are_encoded_and_the_commas_between_them_are_not(ids: list[str], target: str) -> None:
    assert batch().target({}, ids) == target


def test_other_inputs_are_encoded_as_in_any_target() -> None:
    """Their commas too, which part nothing; and one that is written like the ids is not taken for them."""
    path = batch("/{shop}/articles/{ids}?in={shop}")
    assert path.target({"shop": "a,{ids}"}, ["1", "2"]) == "/a%2C%7Bids%7D/articles/1,2?in=a%2C%7Bids%7D"


def test_there_is_no_target_where_ids_would_lead_elsewhere() -> None:
    """In a path; in a query nothing resolves them."""
    assert batch("/articles/{ids}").target({}, [".."]) is None
    assert batch("/articles/{ids}").target({}, ["1", "a/../b"]) is None
    assert batch("/{shop}/articles/{ids}").target({"shop": ".."}, ["1"]) is None
    assert batch().target({}, [".."]) == "/articles?ids=.."


@given(st.lists(st.text("./\\a%", min_size=1, max_size=5), min_size=2, max_size=4))
def test_ids_that_each_have_a_target_have_one_together(ids: list[str]) -> None:
    """So that one odd id cannot take a call for many away from the others."""
    path = batch("/x/.{ids}/y")
    if all(path.target({}, [each]) for each in ids):
        assert path.target({}, ids) is not None


def test_what_holds_a_comma_or_nothing_cannot_stand_among_ids() -> None:
    assert [batch().fits(value) for value in ("1", "%2C", "a b/é", "1,2", ",", "")] == [True] * 3 + [False] * 3


def test_each_id_has_its_element_s_own_bytes_without_white_space() -> None:
    payload = b' [ {"id": 2, "x": [1.0, 1e0]} ,\n{"n": 123456789012345678901234567890, "id" : "a\\u00e9\\/b"} ] '
    assert batch().split(payload) == {
        "2": b'{"id":2,"x":[1.0,1e0]}',
        "aé/b": b'{"n":123456789012345678901234567890,"id":"a\\u00e9\\/b"}',
    }


def test_integers_are_ids_whatever_their_size() -> None:
    """And one is the same id as its digits in a string."""
    payload = b'[{"id":123456789012345678901234567890},{"id":-7},{"id":"8"}]'
    assert list(batch().split(payload)) == ["123456789012345678901234567890", "-7", "8"]


@pytest.mark.parametrize(
    "element",
    [
        *[b'{"x":1}', b'{"id":null}', b'{"id":true}', b'{"id":1.0}', b'{"id":1e3}', b'{"id":{"a":1}}', b'{"id":["1"]}'],
        *[b"null", b"1", b'"1"', b'[{"id":1}]', b'{"id":{}}'],
    ],
)
def test_an_element_without_an_id_is_left_out(element: bytes) -> None:
    assert batch().split(b'[%b,{"id":9}]' % element) == {"9": b'{"id":9}'}


def test_the_id_and_the_list_may_lie_deeper() -> None:
    deep = batch(key="meta.id", items="data.articles")
    payload = b'{"data":{"total":2,"articles":[{"meta":{"id":1}},{"meta":{"x":1}},{"meta":3}]}}'
    assert deep.split(payload) == {"1": b'{"meta":{"id":1}}'}


def test_the_same_element_twice_is_one_and_differing_ones_are_nobodys() -> None:
    """That they differ in white space only does not count; that a third is like the first does not help."""
    payload = b'[{"id":1},{ "id" : 1 },{"id":2},{"id":"2"},{"id":3,"a":1},{"id":3},{"id":3,"a":1}]'
    assert batch().split(payload) == {"1": b'{"id":1}', "2": None, "3": None}


@pytest.mark.parametrize("payload", [b'{"id":1}', b"null", b"1", b'"text"', b"true"])
def test_what_is_no_list_is_a_mistake_that_does_not_tell_the_payload(payload: bytes) -> None:
    with pytest.raises(BatchMistake, match=r"^the batch answer has no list at the top; see the fragment's batch$"):
        batch().split(payload)


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"a":[]}', b'{"a":{}}', b'{"a":{"b":{}}}', b'{"a":{"b":null}}'])
def test_a_list_that_is_not_where_it_is_declared_is_a_mistake(payload: bytes) -> None:
    with pytest.raises(BatchMistake, match=r'no list at "a\.b"'):
        batch(items="a.b").split(payload)


def test_an_empty_list_holds_nothing() -> None:
    assert batch().split(b"[ ]") == {}


@pytest.mark.parametrize("level", [b"[%b]", b'{"a":%b}'])
@pytest.mark.parametrize("read", [compact, batch().split, batch(items="a").split])
def test_what_nests_too_deep_is_a_mistake_to_the_last_level(read: Callable[[bytes], object], level: bytes) -> None:
    """Never a defect, at whichever level of ours the stack ends: it is read, or it is a BatchMistake."""
    opening, closing = level.split(b"%b")
    told = [_told(read, opening * depth + b"[]" + closing * depth) for depth in range(900, 1_000)]
    assert "nests too deep" not in told[0]
    assert "nests too deep" in told[-1]


def _told(read: Callable[[bytes], object], payload: bytes) -> str:
    try:
        return str(read(payload))
    except BatchMistake as mistake:
        return str(mistake)


def test_a_single_answer_made_compact_is_the_bytes_of_the_element() -> None:
    alone = b'\n{"id": 1, "t": "a  \\u00e9 b", "n": 1.0e+2, "d": 1, "d": 2}\n'
    assert (
        compact(alone) == batch().split(b"[%b]" % alone)["1"] == b'{"id":1,"t":"a  \\u00e9 b","n":1.0e+2,"d":1,"d":2}'
    )


def test_the_text_decides_the_answers() -> None:
    others = [batch("/b?ids={ids}"), batch(key="x"), batch(items="x"), batch(key="id.x")]
    assert len({each.text for each in [batch(), *others]}) == 5
    assert Batch(batch().path, "id", batch().key, 7).text == batch().text
    assert Batch(batch().path, "ids", batch().key, 100).text != batch().text

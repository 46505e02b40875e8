"""A shape shows what it says, byte for byte, and one that contradicts itself is refused."""

from collections.abc import Mapping, Sequence

import pytest

from aggregator.model.shape import PLAIN, Shape, ShapeMistake

USER = b'{"name":"A","avatar":{"url":"u","size":{"w":1,"h":2}},"posts":[{"id":1,"text":"t"},{"id":2}]}'


@pytest.mark.parametrize(
    ("pick", "omit", "rename", "shown"),
    [
        (["name"], [], {}, b'{"name":"A"}'),
        (["posts", "name"], [], {}, b'{"name":"A","posts":[{"id":1,"text":"t"},{"id":2}]}'),
        (["avatar.size.w", "posts.text"], [], {}, b'{"avatar":{"size":{"w":1}},"posts":[{"text":"t"},{}]}'),
        (["missing", "name.below"], [], {}, b'{"name":"A"}'),
        ([], ["avatar", "posts.id"], {}, b'{"name":"A","posts":[{"text":"t"},{}]}'),
        (["avatar"], ["avatar.size"], {}, b'{"avatar":{"url":"u"}}'),
        (["avatar.url"], [], {"avatar.url": "href"}, b'{"avatar":{"href":"u"}}'),
        (["avatar.url"], [], {"avatar": "image", "avatar.url": "href"}, b'{"image":{"href":"u"}}'),
        (["posts.id"], [], {"posts.id": "post-id"}, b'{"posts":[{"post-id":1},{"post-id":2}]}'),
    ],
)
def test_a_shape_shows(pick: Sequence[str], omit: Sequence[str], rename: Mapping[str, str], shown: bytes) -> None:
    """In the MBU's order, through objects and lists."""
    assert Shape.parse(pick, omit, rename).apply(USER) == shown


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b'{"a":1,"b":2,"c":3}', b'{"b":1,"c":3}'),
        (b'{"b":2,"a":1}', b'{"b":1}'),
        (b'{"b":2}', b'{"b":2}'),
    ],
)
def test_a_renamed_member_replaces_what_has_its_new_name(payload: bytes, shown: bytes) -> None:
    """Wherever the two stand, and only where it is there."""
    assert Shape.parse([], [], {"a": "b"}).apply(payload) == shown


def test_names_may_be_exchanged_and_given_in_a_circle() -> None:
    """Each is taken by its name before any was renamed."""
    assert Shape.parse([], [], {"a": "b", "b": "a"}).apply(b'{"a":1,"b":2}') == b'{"b":1,"a":2}'
    assert Shape.parse([], [], {"a": "b", "b": "c"}).apply(b'{"a":1,"b":2,"c":3}') == b'{"b":1,"c":2}'


def test_a_name_that_is_omitted_is_free_for_another() -> None:
    assert Shape.parse([], ["b"], {"a": "b"}).apply(b'{"a":1,"b":2}') == b'{"b":1}'


UNTOUCHED = [b"123456789012345678901234567890", b"1.0", b"1e0", b"-0", b'"\\u00e9\\/"', '"é"'.encode(), b"[1 , {} ]"]


@pytest.mark.parametrize("value", UNTOUCHED)
def test_what_is_shown_keeps_its_bytes(value: bytes) -> None:
    payload = b'[ {"drop" : 0 , "a" : {"b": %b, "c": 1}} , %b]' % (value, value if value[:1] != b"[" else b"null")
    shown = Shape.parse([], ["drop", "a.c"], {}).apply(payload)
    assert shown == b'[{"a":{"b":%b}},%b]' % (value, value if value[:1] != b"[" else b"null")


@pytest.mark.parametrize("payload", [b"null", b"1e0", b'"text"', b"true", b"[]", b"{}", b'[1.0,null,["x"]]'])
def test_what_has_no_members_stays_as_it_is(payload: bytes) -> None:
    assert Shape.parse(["a"], [], {"a": "b"}).apply(payload) == payload


def test_lists_in_lists_and_white_space_around_are_passed_through() -> None:
    assert Shape.parse(["a"], [], {}).apply(b' \r\n[[ {"a":1,"b":2} ],[]] ') == b'[[{"a":1}],[]]'


def test_of_members_of_one_name_the_last_counts() -> None:
    assert Shape.parse(["a"], [], {}).apply(b'{"a":1,"b":2,"a":3}') == b'{"a":3}'


def test_names_that_the_mbu_escaped_are_found_and_written_as_json() -> None:
    """The name is what it says, not how it is written; one with a quote in it is still a name."""
    shown = Shape.parse([], ["a"], {}).apply(b'{"\\u0061":1,"q\\"\\n\\u0000":2,"\\u00e9":3}')
    assert shown == b'{"q\\"\\n\\u0000":2,"' + "é".encode() + b'":3}'


def test_the_empty_shape_touches_nothing() -> None:
    """Not even white space and repeated names."""
    empty = Shape.parse([], [], {})
    assert empty == PLAIN
    assert empty.empty
    assert empty.text == ""
    assert empty.apply(b' {"a": 1, "a": 2} ') == b' {"a": 1, "a": 2} '
    assert not Shape.parse(["a"], [], {}).empty


def test_a_payload_that_nests_too_deep_is_a_mistake() -> None:
    with pytest.raises(ShapeMistake, match="nests too deep"):
        Shape.parse(["a"], [], {}).apply(b"[" * 1_000 + b"]" * 1_000)


def test_the_text_decides_the_shape_and_the_order_of_paths_does_not() -> None:
    distinct = [
        Shape.parse(["a"], [], {}),
        Shape.parse([], ["a"], {}),
        Shape.parse(["a", "b"], [], {}),
        Shape.parse(["ab"], [], {}),
        Shape.parse(["a.b"], [], {}),
        Shape.parse([], [], {"a": "b"}),
        Shape.parse([], [], {"a": "c"}),
        Shape.parse([], [], {"a": "b", "c": "d"}),
        PLAIN,
    ]
    assert len({shape.text for shape in distinct}) == len(set(distinct)) == len(distinct)
    assert Shape.parse(["a", "b"], [], {"b": "x", "a": "y"}) == Shape.parse(["b", "a"], [], {"a": "y", "b": "x"})


@pytest.mark.parametrize(
    ("pick", "omit", "rename", "wrong"),
    [
        ([""], [], {}, 'pick "": it is no path'),
        ([], ["a..b"], {}, r'omit "a\.\.b": it is no path'),
        (["a."], [], {}, r'pick "a\.": it is no path'),
        ([], ["a b"], {}, 'omit "a b": it is no path'),
        (["a[*]"], [], {}, "it is no path"),
        ([], [], {"é": "e"}, 'rename "é": it is no path'),
        (["a", "b", "a"], [], {}, 'pick "a": it is named twice'),
        (["a.b", "a"], [], {}, r'pick "a\.b": it is named twice, or what it lies in'),
        ([], ["a", "a.b.c"], {}, r'omit "a\.b\.c": it is named twice, or what it lies in'),
        (["a"], ["a"], {}, 'omit "a": it lies inside nothing that is picked'),
        (["a.b"], ["a"], {}, 'omit "a": it lies inside nothing that is picked'),
        (["a"], ["b"], {}, 'omit "b": it lies inside nothing that is picked'),
        ([], [], {"a": "b.c"}, r'rename "a": "b\.c" is no name'),
        ([], [], {"a": ""}, 'rename "a": "" is no name'),
        ([], ["a"], {"a": "b"}, 'rename "a": it is omitted'),
        ([], ["a"], {"a.b": "c"}, r'rename "a\.b": it is omitted'),
        (["a"], [], {"b": "c"}, 'rename "b": it is not picked'),
        (["ab"], [], {"a": "c"}, 'rename "a": it is not picked'),
        ([], [], {"a.b": "x", "a.c": "x"}, r'rename "a\.c": another member becomes "x"'),
    ],
)
def test_a_shape_that_contradicts_itself_is_refused(
    pick: Sequence[str], omit: Sequence[str], rename: Mapping[str, str], wrong: str
) -> None:
    """With the list and the path that are wrong."""
    with pytest.raises(ShapeMistake, match=wrong):
        Shape.parse(pick, omit, rename)


def test_one_new_name_in_two_objects_is_no_mistake() -> None:
    shape = Shape.parse([], [], {"a.id": "x", "b.id": "x"})
    assert shape.apply(b'{"a":{"id":1},"b":{"id":2}}') == b'{"a":{"x":1},"b":{"x":2}}'

"""Whatever the payload: a shape shows what a plain reading of it on decoded values shows, and its bytes survive."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model.shape import Shape, ShapeMistake

# No deadline of its own: a busy machine is no counterexample. The blob repeats a failure.
LAW = settings(deadline=None, print_blob=True)
NAMES = st.sampled_from(["a", "b", "c", "d-e", 'f"\né'])
# Texts that a decoder and an encoder would not give back as they were.
TOKENS = st.sampled_from(["1.0", "1e0", "-0", "12345678901234567890123", '"\\u00e9"', '"\\/"', "null", "true", '"é"'])
SPACE = st.sampled_from(["", " ", "\n\t"])


class Token(str):
    """A scalar as the MBU wrote it; equal only to one written the same."""


def written(value: Any, draw: Callable[[st.SearchStrategy[str]], str]) -> str:
    """JSON of objects, lists and tokens, with white space wherever it may be."""
    space = draw(SPACE)
    if isinstance(value, dict):
        members = (
            f"{space}{json.dumps(name, ensure_ascii=False)}{space}:{written(inner, draw)}"
            for name, inner in value.items()
        )
        return f"{space}{{{','.join(members)}{space}}}"
    if isinstance(value, list):
        return f"{space}[{','.join(written(inner, draw) for inner in value)}]{space}"
    return f"{space}{value}{space}"


VALUES = st.recursive(
    TOKENS.map(Token),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, min_size=2, max_size=4),
    max_leaves=20,
)
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=2).map(".".join)


@st.composite
def shapes(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[Shape, list[str], list[str], dict[str, str]]:
    """Shapes that are none are made smaller until they are one."""
    pick, omit = draw(st.just([]) | st.lists(PATHS, max_size=3)), draw(st.lists(PATHS, max_size=3))
    rename = draw(st.dictionaries(PATHS, st.sampled_from(["a", "b", "x"]), max_size=3))
    pick, omit = sound(pick, lambda paths: (paths, [], {})), sound(omit, lambda paths: ([], paths, {}))
    omit = sound(omit, lambda paths: (pick, paths, {}))
    named = sound(list(rename), lambda paths: (pick, omit, {path: rename[path] for path in paths}))
    kept = {path: rename[path] for path in named}
    return Shape.parse(pick, omit, kept), pick, omit, kept


def sound(
    paths: Sequence[str], parts: Callable[[list[str]], tuple[Sequence[str], Sequence[str], Mapping[str, str]]]
) -> list[str]:
    """The paths that, one after the other, still make a shape."""
    kept: list[str] = []
    for path in paths:
        with suppress(ShapeMistake):
            Shape.parse(*parts([*kept, path]))
            kept.append(path)
    return kept


def shaped(value: Any, at: str, pick: Sequence[str], omit: Sequence[str], rename: Mapping[str, str]) -> Any:
    """A plain reading: member by member, each asked about by its whole path."""
    if isinstance(value, list):
        return [shaped(inner, at, pick, omit, rename) for inner in value]
    if not isinstance(value, dict):
        return value
    members = {name: f"{at}.{name}".removeprefix(".") for name in value}
    shown = {name: path for name, path in members.items() if path not in omit and (not pick or related(path, pick))}
    new = {rename[path] for path in shown.values() if path in rename}
    return {
        rename.get(path, name): shaped(value[name], path, pick, omit, rename)
        for name, path in shown.items()
        if path in rename or name not in new
    }


def related(path: str, pick: Sequence[str]) -> bool:
    """Is it picked, does it lie in what is, or does what is lie in it?"""
    return any(f"{path}.".startswith(f"{other}.") or f"{other}.".startswith(f"{path}.") for other in pick)


@LAW
@given(VALUES, shapes(), st.data())
def test_a_shape_is_a_plain_reading_of_itself(
    value: Any, parts: tuple[Shape, list[str], list[str], dict[str, str]], data: st.DataObject
) -> None:
    """Order and tokens included; white space within what is not changed may stay."""
    shape, pick, omit, rename = parts
    payload = written(value, data.draw).encode()
    shown = shape.apply(payload)
    orjson.loads(shown)
    assert tokens(shown) == tokens(written(shaped(value, "", pick, omit, rename), lambda _: "").encode())


def tokens(text: bytes) -> Any:
    """JSON decoded, with numbers as they are written and members in their order; strings keep their escapes."""
    kept = text.decode().replace("\\u00e9", "\\\\u00e9").replace("\\/", "\\\\/")
    return json.loads(kept, parse_int=Token, parse_float=Token, object_pairs_hook=lambda pairs: ("object", pairs))


@LAW
@given(VALUES, st.data())
def test_what_is_picked_whole_keeps_every_byte(value: Any, data: st.DataObject) -> None:
    """White space too, but for that around it."""
    inner = written(value, data.draw).strip()
    payload = f'{{ "b" : 1, "a" : {inner} }}'.encode()
    assert Shape.parse(["a"], [], {}).apply(payload) == f'{{"a":{inner}}}'.encode()


@LAW
@given(shapes(), shapes())
def test_the_text_of_a_shape_is_injective(
    one: tuple[Shape, list[str], list[str], dict[str, str]], other: tuple[Shape, list[str], list[str], dict[str, str]]
) -> None:
    """Two have the same text only if they pick, omit and rename the same."""

    def told(parts: tuple[Shape, list[str], list[str], dict[str, str]]) -> object:
        return sorted(parts[1]), sorted(parts[2]), parts[3]

    assert (one[0].text == other[0].text) == (told(one) == told(other))

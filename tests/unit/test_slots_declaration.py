"""A declaration of plans is right, or every mistake in it is named by its place."""

from itertools import pairwise
from pathlib import Path

import pytest

from aggregator.declaration.read import Declared, declare
from aggregator.mistakes import Mistaken
from tests.samples.right import Wrong
from tests.samples.wrong_slots import ENVIRON, RIGHT, WRONG_SLOTS


def declared(folder: Path, text: str) -> Declared:
    """What the text declares."""
    file = folder / "screens.toml"
    file.write_text(text)
    return declare(str(file), ENVIRON)


def test_the_right_one_is_a_plan_in_three_waves(tmp_path: Path) -> None:
    """With everything that the wrong ones change."""
    home = declared(tmp_path, RIGHT).catalogue.screens["home"]
    assert [[slot.name for slot in wave] for wave in home.waves] == [
        ["feed", "cart"],
        ["owner", "articles"],
        ["friend"],
    ]
    assert home.claims == ("viewer.sub",)
    assert home.varies == "accept, accept-encoding, authorization, accept-language"
    assert set(home.inputs) == {
        *("user_id", "query.page", "header.accept-language", "viewer.sub", "forward.authorization")
    }


@pytest.mark.parametrize("wrong", WRONG_SLOTS, ids=lambda wrong: wrong.line[:60])
def test_a_wrong_one_is_refused_with_its_place(tmp_path: Path, wrong: Wrong) -> None:
    """And says what was expected."""
    with pytest.raises(Mistaken) as refused:
        declared(tmp_path, wrong.text)
    lines = [str(mistake).partition("screens.toml: ")[2] for mistake in refused.value.mistakes]
    assert any(wrong.line in line for line in lines), "\n".join(lines)


def test_there_are_thirty_of_them_at_least() -> None:
    """Of circles, of what is never reached, of collisions, and of the rest."""
    assert len(WRONG_SLOTS) >= 30


def chain(length: int) -> str:
    """The right one with a chain of so many slots, the feed being the first."""
    names = ["feed", *(f"s{n}" for n in range(2, length + 1))]
    slots = [f'{name} = {{ fragment = "user", with = {{ id = "{before}.n" }} }}' for before, name in pairwise(names)]
    return RIGHT + "\n".join(slots)


def test_a_chain_of_eight_is_no_mistake(tmp_path: Path) -> None:
    """The ninth is one too many."""
    assert len(declared(tmp_path, chain(8)).catalogue.screens["home"].waves) == 8
    with pytest.raises(Mistaken, match="lies 9 waves deep"):
        declared(tmp_path, chain(9))


KEYS = '[[viewer.keys]]\nalgorithm = "HS256"\nsecret_env = "JWT_KEY"\n'
UNSEEN = "[screens.home] cookies: {cookie.theme} is used by no slot"
UNSHARED = "[screens.home]: what depends on forward.authorization is shared with no other machine"


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, [UNSEEN, UNSHARED]),
        (
            {"default = 1 } }": 'default = 1 }, size = { type = "int", default = 1 } }'},
            ["[screens.home] query: {query.size} is used by no slot", UNSEEN, UNSHARED],
        ),
        (
            {'headers = ["accept-language"]': 'headers = ["accept-language", "x-other"]'},
            ["[screens.home] headers: {header.x-other} is used by no slot", UNSEEN, UNSHARED],
        ),
        (
            {'forward = ["authorization"]\n': "", "?p={query.page}": "?p={cookie.theme}"},
            ["[screens.home]: what depends on cookie.theme is shared with no other machine"],
        ),
        ({KEYS: f'[viewer]\nhash_key_env = "JWT_KEY"\n{KEYS}'}, [UNSEEN]),
        (
            {
                'fallback_fragment = "feed"': 'fallback_fragment = "spare"',
                "[screens.home]\n": '[fragments.spare]\nmbu = "m"\npath = "/spare/{user_id}"\n[screens.home]\n',
            },
            [UNSEEN, UNSHARED],
        ),
        (
            {KEYS: f'{KEYS}issuer = "a"\n{KEYS}issuer = "b"\n'},
            [UNSEEN, UNSHARED, "[viewer] keys: viewers of several issuers that have one sub are one viewer here"],
        ),
    ],
)
def test_what_will_hardly_be_meant_is_warned_of(tmp_path: Path, changes: dict[str, str], lines: list[str]) -> None:
    """And nothing else is."""
    text = RIGHT
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    said = [str(warning).partition("screens.toml: ")[2] for warning in declared(tmp_path, text).warnings]
    assert [one.startswith(line) for one, line in zip(said, lines, strict=True)] == [True] * len(lines), said

"""A declaration of plans is right, or every mistake in it is named by its place."""

from pathlib import Path

import pytest

from aggregator.declaration.read import Declared, declare
from aggregator.mistakes import Mistaken
from tests.samples.wrong_slots import ENVIRON, RIGHT, WRONG_SLOTS, WrongSlot


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
    assert home.varies == "accept, authorization, accept-language"
    assert set(home.inputs) == {
        *("user_id", "query.page", "header.accept-language", "viewer.sub", "forward.authorization")
    }


@pytest.mark.parametrize("wrong", WRONG_SLOTS, ids=lambda wrong: wrong.line[:60])
def test_a_wrong_one_is_refused_with_its_place(tmp_path: Path, wrong: WrongSlot) -> None:
    """And says what was expected."""
    with pytest.raises(Mistaken) as refused:
        declared(tmp_path, wrong.text)
    lines = [str(mistake).partition("screens.toml: ")[2] for mistake in refused.value.mistakes]
    assert any(wrong.line in line for line in lines), "\n".join(lines)


def test_there_are_thirty_of_them_at_least() -> None:
    """Of circles, of what is never reached, of collisions, and of the rest."""
    assert len(WRONG_SLOTS) >= 30

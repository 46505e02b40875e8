"""A catalogue that is read again is made of the objects of the one before, as far as it says the same."""

import tomllib

import pytest

from aggregator.declaration.read import declare, declare_raw
from aggregator.model.catalogue import Catalogue
from tests.running import ROOT
from tests.samples.right import ENVIRON, RIGHT

SAMPLES = [str(ROOT / "tests/samples/screens.toml"), str(ROOT / "aggregator/demo/screens.toml")]


def read(old: str = "", new: str = "") -> Catalogue:
    """The right declaration, with a text in it replaced."""
    return declare_raw("screens.toml", tomllib.loads(RIGHT.replace(old, new)), ENVIRON).catalogue


def kept(before: Catalogue, now: Catalogue) -> set[str]:
    """The names of what is the same object in both."""
    pairs = [(before.mbus, now.mbus), (before.fragments, now.fragments), (before.screens, now.screens)]
    return {name for one, other in pairs for name in one if other.get(name) is one[name]}  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", SAMPLES)
def test_of_the_same_file_everything_is_kept(source: str) -> None:
    """Whatever is declared in it, also once it has been used."""
    before, again = declare(source, None).catalogue, declare(source, None).catalogue
    for screen in before.screens.values():
        assert screen.definition
        assert screen.waves
        assert screen.common_tags
    assert again == before
    assert kept(before, again.keeping(before)) == {*before.mbus, *before.fragments, *before.screens}


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ("9001", "9002", {"user", "home"}),
        ('"60s"', '"61s"', {"users"}),
        ("/screens/home/", "/screens/house/", {"users", "user"}),
        ("USERS_KEY", "USERS_KEY", {"users", "user", "home"}),
    ],
)
def test_what_says_something_else_is_another(old: str, new: str, stays: set[str]) -> None:
    """And so is what is made of it: an MBU's address is no part of a fragment, a lifetime is."""
    before = read()
    assert kept(before, read(old, new).keeping(before)) == stays

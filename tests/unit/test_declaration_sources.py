"""A declaration is a file, or an attribute of a Python module; whatever is wrong with either is a mistake."""

from pathlib import Path

import pytest

from aggregator.declaration.read import declare, declare_raw
from aggregator.mistakes import Mistaken
from tests.samples.right import ENVIRON


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("/nowhere/screens.toml", "/nowhere/screens.toml: cannot be read: No such file or directory"),
        ("/", "/: cannot be read: Is a directory"),
        ("no_such_module:x", "no_such_module cannot be imported: ModuleNotFoundError"),
        ("json:lods", 'json has no attribute "lods"; did you mean "loads"?'),
        ("json:loads", "is function; expected: a Declaration, a Catalogue, or a dictionary shaped like the file"),
    ],
)
def test_a_source_that_cannot_be_read_is_a_mistake(source: str, line: str) -> None:
    """Neither a file that is not there nor a module that fails ends in a traceback."""
    with pytest.raises(Mistaken) as caught:
        declare(source, ENVIRON)
    assert line in str(caught.value)


PYTHON = """
from aggregator.declaration.tables import Declaration
plain = {"version": 1, "defaults": {"fresh_for": "60s"}, "mbus": {"m": {"url": "http://h"}},
         "fragments": {"f": {"mbu": "m", "path": "/f"}}, "screens": {"s": {"path": "/s", "slots": {"f": "f"}}}}
model = Declaration(**plain)
"""


@pytest.mark.parametrize("attribute", ["plain", "model"])
def test_a_declaration_in_python_is_the_same(attribute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dictionary or the model itself, at module:attribute, is compiled like a file."""
    module = f"declared_{attribute}"
    (tmp_path / f"{module}.py").write_text(PYTHON)
    monkeypatch.syspath_prepend(tmp_path)
    catalogue = declare(f"{module}:{attribute}", {}).catalogue
    assert catalogue.screens["s"].slots[0].fragment.lifetime.fresh_for == 60.0


def test_a_model_that_does_not_validate_is_its_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Declaration that fails while its module is imported is named by table and key as well."""
    (tmp_path / "declared_wrong.py").write_text(PYTHON.replace('"http://h"', '"h"'))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(Mistaken, match=r"^declared_wrong:model: \[mbus\.m\] url: expected a URL"):
        declare("declared_wrong:model", {})


def test_keys_that_are_no_text_are_mistakes() -> None:
    """A dictionary from Python may hold anything."""
    with pytest.raises(Mistaken, match="Keys should be strings"):
        declare_raw("m:a", {1: 2, "mbus": {1: 2, "a": {3: 4}}, "screens": {"s": {"slots": {4: "x"}}}}, {})

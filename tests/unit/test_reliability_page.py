"""docs/reliability.md is true: it names every row, and the tests that are named after rows, and no other."""

import ast
import re
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = TESTS.parent / "docs" / "reliability.md"
ROWS = [f"R-{number:02}" for number in range(1, 56)] + [f"S-{number:02}" for number in range(1, 33)]
LATER = {"R-54", "S-15", "S-16", "S-32"}


def on_the_page() -> dict[str, str]:
    """By id, the cell of tests."""
    return dict(re.findall(r"^\| ([RS]-\d\d) \|[^|]*\|[^|]*\| ([^|]*) \|[^|]*\|$", PAGE.read_text(), re.MULTILINE))


def in_the_tree() -> dict[str, set[str]]:
    """By id, the tests with it in their name."""
    found = defaultdict(set)
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                ids = re.match(r"test((?:_[rs]\d\d)+)_", node.name)
                for id in re.findall(r"[rs]\d\d", ids[1]) if ids else []:
                    found[f"{id[0].upper()}-{id[1:]}"].add(f"{file.relative_to(TESTS)}::{node.name}")
    return found


def test_every_row_is_on_the_page_once_and_in_order() -> None:
    """Those that wait, too."""
    assert re.findall(r"^\| ([RS]-\d\d) \|", PAGE.read_text(), re.MULTILINE) == ROWS
    assert list(on_the_page()) == ROWS


def test_each_row_names_its_tests_and_no_other() -> None:
    """Or says that it has none yet, or waits."""
    tests = in_the_tree()
    assert tests.keys() <= set(ROWS)
    for id, cell in on_the_page().items():
        if id in LATER:
            assert cell == "waits for a later issue", id
        elif tests[id]:
            assert set(re.findall(r"`([^`]+)`", cell)) == tests[id], id
        else:
            assert cell == "not yet", id

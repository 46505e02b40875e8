"""Bytes from elsewhere are never code: nothing that we ship can make objects or run code out of them."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file for package in ("aggregator", "cache_policies", "loaders") for file in (ROOT / package).rglob("*.py")
)
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "yaml", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}


def found(source: str) -> list[str]:
    """The names of such modules that are imported, and of such functions that are called."""
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                names += [alias.name.partition(".")[0] for alias in node.names]
            case ast.ImportFrom(module=str(module)):
                names.append(module.partition(".")[0])
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                names.append(f"{name}()")
    return [name for name in names if name in MODULES or name.endswith("()")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_s26_no_file_imports_or_calls_what_runs_bytes(file: Path) -> None:
    """Neither pickle and its like, nor eval."""
    assert not found(file.read_text())


@pytest.mark.parametrize("source", ["import pickle", "from marshal import loads", "eval('1')", "import yaml.x"])
def test_s26_the_scan_finds_them(source: str) -> None:
    """Else it would say nothing."""
    assert found(source)

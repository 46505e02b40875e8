"""The benchmarks are run rarely, and never by the tests; that they can be begun at all is looked at here."""

import pkgutil
from importlib import import_module

import pytest

import benchmarks

# What only `make bench` installs.
PEERS = {"cashews", "fastapi", "matplotlib"}
MODULES = [name for _, name, _ in pkgutil.walk_packages(benchmarks.__path__, "benchmarks.") if "__main__" not in name]


@pytest.mark.parametrize("name", MODULES)
def test_it_finds_what_it_measures(name: str) -> None:
    """Each module imports, but for peers that are not installed."""
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in PEERS:
            raise

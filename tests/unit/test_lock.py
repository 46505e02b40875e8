"""requirements.lock pins what the service needs, by hash, in step with pyproject.toml, and names no host."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.running import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PINS = {
    canonicalize_name(name): (version, rest)
    for name, version, rest in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)((?:.*\\\n)+.*)", LOCK, re.MULTILINE)
}
NEEDED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


@pytest.mark.parametrize("needed", NEEDED)
def test_s31_what_is_needed_is_pinned_as_it_is_declared(needed: str) -> None:
    """A changed bound takes `make lock`."""
    requirement = Requirement(needed)
    version, _ = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version)


@pytest.mark.parametrize("name", PINS)
def test_s31_every_pin_has_hashes(name: str) -> None:
    """So that nothing else is installed under its name."""
    assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", PINS[name][1])


def test_s31_no_host_is_named() -> None:
    """Whoever installs says where from."""
    assert not re.search(r"://|--index|--extra-index|--find-links|@ ", LOCK)
    assert len(PINS) == len(re.findall(r"^[^#\s]", LOCK, re.MULTILINE))

"""Fixtures of the black-box tests: an MBU a module, a plain service for several, an id that nothing is kept under."""

import socket
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.mbu import Mbu
from tests.running import Running

PLAIN = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU/base"
[fragments.part]
mbu = "m"
path = "/part/{id}/end"
[fragments.asked]
mbu = "m"
path = "/asked?id={id}&fixed=1"
[screens.home]
path = "/home/{id}"
slots = { part = "part", asked = "asked" }
[screens.card]
path = "/card/{id}"
slots = { part = "part" }
[screens.number]
path = "/number/{id:int}"
slots = { part = "part" }
[screens.unique]
path = "/unique/{id:uuid}"
slots = { part = "part" }
"""


class Plain(NamedTuple):
    """A service that several modules share, since starting one takes a second, and its MBU."""

    running: Running
    mbu: Mbu


@pytest.fixture(scope="session")
def plain_service(redis_url: str) -> Iterator[Plain]:
    """Started once, without publishers."""
    with Mbu() as mbu, Running(PLAIN.replace("$MBU", mbu.url), redis_url) as running:
        yield Plain(running, mbu)


@pytest.fixture
def plain(plain_service: Plain) -> Plain:
    """The same, its MBU counting anew."""
    plain_service.mbu.forget()
    return plain_service


@pytest.fixture(scope="module")
def mbu() -> Iterator[Mbu]:
    """One MBU, which every declaration of the module names as $MBU."""
    with Mbu() as one:
        yield one


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def id() -> str:
    """A new user."""
    return uuid.uuid4().hex[:12]

"""What is read of a request is what some slot of its screen uses; a viewer who lacks a claim of it is not known."""

import asyncio
from collections.abc import Mapping

import pytest

from aggregator.http.inputs import InputReader
from aggregator.http.problems import Reply
from aggregator.identity.viewer import Viewer
from aggregator.identity.viewers import Viewers
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen, Slot
from aggregator.model.template import Template
from tests.world import fragment, screen

PATH = {"id": "42"}


class OneViewer(Viewers):
    """Whoever asks is the viewer `anna`, with these claims."""

    def __init__(self, **claims: object) -> None:
        self.viewer = Viewer("anna", {"sub": "anna", **claims})

    def known(self, authorization: str | None) -> Viewer:
        return self.viewer


def asking(path: str, **declared: tuple[str, ...]) -> Screen:
    """A screen of one slot, whose MBU is asked at this path."""
    return screen(Slot("user", fragment("user", path=Template.parse(path), tags=())), **declared)


def read(one: Screen, headers: Mapping[bytes, bytes], viewers: Viewers | None = None) -> Inputs | Reply:
    """What is read of a request with these headers."""
    reader = InputReader(viewers or Viewers((), lambda: 0.0), lambda value: f"hash of {value}")
    return asyncio.run(reader.read(one, PATH, b"", headers))


@pytest.mark.parametrize(
    ("declared", "headers"),
    [
        ({"headers": ("x-a", "x-b")}, {b"x-a": b"1", b"x-b": b"\xff"}),
        ({"cookies": ("a", "b")}, {b"cookie": b"b=\xff; a=1"}),
    ],
)
def test_what_is_declared_and_used_by_no_slot_is_not_read(
    declared: dict[str, tuple[str, ...]], headers: dict[bytes, bytes]
) -> None:
    """Not even to be refused."""
    name = "header.x-a" if "headers" in declared else "cookie.a"
    inputs = read(asking(f"/user/{{id}}?a={{{name}}}", **declared), headers)
    assert isinstance(inputs, Inputs)
    assert inputs.values == {**PATH, name: "1"}


def test_only_what_may_be_a_secret_has_a_mark() -> None:
    """A cookie does, another header does not."""
    one = asking("/user/{id}?a={cookie.a}&b={header.x-b}", cookies=("a",), headers=("x-b",))
    inputs = read(one, {b"cookie": b"a=1", b"x-b": b"2"})
    assert isinstance(inputs, Inputs)
    assert inputs.marks == {"cookie.a": "hash of 1"}


def test_a_viewer_without_a_claim_that_is_used_is_refused() -> None:
    """With the claim's name; with it they are let in."""
    one = asking("/user/{id}/{viewer.tenant}")
    refused = read(one, {b"authorization": b"Bearer x"}, OneViewer())
    assert isinstance(refused, Reply)
    assert refused.status == 401
    assert b"no claim tenant" in refused.body
    inputs = read(one, {b"authorization": b"Bearer x"}, OneViewer(tenant=7))
    assert isinstance(inputs, Inputs)
    assert (inputs.values, inputs.subject) == ({**PATH, "viewer.tenant": "7"}, "anna")

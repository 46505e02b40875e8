"""`aggregator plan` shows what one request would need, asks nobody, and needs no credential."""

import os

import pytest

from aggregator.declaration.read import declare
from aggregator.model.inputs import Inputs
from tests.planning import SAMPLE, plan


def test_a_plan_shows_slots_keys_tags_urls_and_lifetimes() -> None:
    """Everything that the service would use, as it would use it."""
    result = plan("home", "user_id=42")
    assert (result.exit_code, result.stderr) == (0, "")
    catalogue, inputs = declare(SAMPLE, None).catalogue, Inputs({"user_id": "42"})
    home = catalogue.screens["home"]
    for line in (
        "screen home  GET /screens/home/42",
        f"  key       {home.key('aggregator', home.identity(inputs)).name}",
        "  tags      screen:home, *, and those of its slots",
        "  client    no client_max_age",
        "  deadline  none but those of its MBUs",
        "wave 1",
        "slot user (required)  fragment user",
        f"  key       {catalogue.fragments['user'].key('aggregator', inputs).name}",
        "  tags      user:42, fragment:user, mbu:users, *",
        "  URL       GET http://127.0.0.1:9001/users/42",
        "  lifetime  fresh_for 60s, stale_while_revalidate 30s, stale_if_error 10m, absent_for 5s, jitter 0.1, "
        "early_refresh 1",
        "  fallback  stale_if_error 10m, then fails the screen",
        "  tags      posts-of:42, fragment:posts, mbu:posts, *, and posts:… from [*].id",
        "  URL       GET http://127.0.0.1:9002/posts?userId=42",
        "  fallback  null",
        "worst case  posts 1s",
    ):
        assert line in result.stdout.splitlines()
    assert "measured" not in result.stdout


def test_the_namespace_in_force_is_in_the_keys() -> None:
    """Keys are shown as they are in the Redis that the service would use."""
    assert "  key       mine:fragment:user:2:{" in plan("home", "user_id=42", AGGREGATOR_NAMESPACE="mine").stdout


def test_a_value_stays_in_its_place() -> None:
    """What would leave its segment is encoded."""
    assert "GET http://127.0.0.1:9001/users/a%2F%3Fb%26c%23" in plan("home", "user_id=a/?b&c#").stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["hom"], 'hom: no such screen; expected one of: home; did you mean "home"?'),
        (["home"], "user_id: missing; expected: user_id=VALUE"),
        (["home", "usr_id=4"], 'usr_id: no input of the screen; expected: user_id; did you mean "user_id"?'),
        (["home", "42"], '"42": expected NAME=VALUE, such as user_id=42'),
        (["home", "user_id=1", "user_id=2"], "user_id: given twice"),
        (["home", "user_id="], 'user_id: expected 1 to 200 bytes of text without control characters, not ""'),
        (["home", "user_id=a\nb"], 'user_id: expected 1 to 200 bytes of text without control characters, not "a\\nb"'),
        (["home", f"user_id={os.fsdecode(bytes([255]))}"], "user_id: expected 1 to 200 bytes of text"),
        (["home", "user_id=.."], "home: these values cannot be put to an MBU, or be in a tag: 404"),
    ],
)
def test_a_wrong_request_is_a_clear_line(arguments: list[str], line: str) -> None:
    """Unknown screens, names and values end with 2 and say what was expected."""
    result = plan(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert any(said.startswith(line) for said in result.stderr.splitlines()), result.stderr


def test_a_wrong_file_is_its_mistakes() -> None:
    """The same lines as `check` says."""
    result = plan("home", file="/nowhere")
    assert (result.exit_code, result.stderr) == (2, "/nowhere: cannot be read: No such file or directory\n")

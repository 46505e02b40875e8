"""A plan is asked for with all that a request has, but for what only its sender and the service may know."""

import os
from pathlib import Path

import pytest

from tests.planning import plan, shown, story
from tests.samples.waves import WAVES


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ((), "/stories/42?sort=new"),
        (("query.page=007",), "/stories/42?page=7&sort=new"),
        (("query.page=",), "/stories/42?sort=new"),
        (("header.accept-language=de", "cookie.theme=dark"), "/stories/42?sort=new"),
    ],
)
def test_the_request_is_shown_as_a_client_would_send_it(tmp_path: Path, given: tuple[str, ...], url: str) -> None:
    """With its query, but for what is at its default; what is given empty is not given."""
    assert shown(story(tmp_path, *given))[0] == f"screen story  GET {url}"


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    """The key is that of a request which says the same in other words."""

    def key(*given: str) -> str:
        return next(line for line in shown(story(tmp_path, *given), "feed") if line.startswith("  key "))

    assert key() == key("query.page=01", "header.accept-language=") != key("query.page=2")


def test_a_cookie_is_utf_8(tmp_path: Path) -> None:
    """As a client sends it."""
    assert "  URL       GET http://127.0.0.1:9002/themes/d%C3%BCster" in shown(
        story(tmp_path, "cookie.theme=düster"), "theme"
    )


def test_the_viewer_is_in_the_tags(tmp_path: Path) -> None:
    """Of the screen, and of what is private to who sent the forwarded header."""
    result = story(tmp_path)
    assert "  tags      screen:story, viewer:7, *, and those of its slots" in shown(result)
    assert "  tags      viewer:7, fragment:cart, mbu:shop, *" in shown(result, "cart")


def test_what_secrets_decide_has_no_key_here(tmp_path: Path) -> None:
    """The service's hash key makes it; no stand-in for a secret is shown as if it were one."""
    result = story(tmp_path, "cookie.theme=dark")
    for slot in ("", "theme", "cart"):
        assert shown(result, slot)[1] == "  key       depends on the service's hash key"
    assert shown(result, "feed")[1].startswith("  key       aggregator:fragment:feed:2:{")
    assert "  URL       GET http://127.0.0.1:9002/themes/dark" in shown(result, "theme")
    assert "not-asked-for" not in result.output


def test_every_mistake_in_a_request_is_said_at_once(tmp_path: Path) -> None:
    """Query, headers, cookies and claims are read as the service reads them; of a secret only the name is shown."""
    path = tmp_path / "screens.toml"
    path.write_text(WAVES)
    given = ("feed_id=x", "query.page=two", "header.accept-language=a\nb", f"cookie.theme={os.fsdecode(bytes([255]))}")
    result = plan("story", *given, "forward.authorization=hush", "header.accept=x", file=str(path))
    names = "feed_id, query.page, query.sort, viewer.sub, header.accept-language, cookie.theme"
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        '"forward.authorization": may be a secret, which a command line shows to all; leave it out',
        f'"header.accept": no input of the screen; expected: {names}; did you mean "header.accept-language"?',
        'feed_id: expected a whole number, not "x"',
        'query.page: expected a whole number, not "two"',
        "query.sort: missing; expected: query.sort=VALUE",
        "viewer.sub: missing; expected: viewer.sub=VALUE",
        "header.accept-language: the header accept-language has control characters, or more than 1024 bytes",
        "cookie.theme: the cookie theme is not UTF-8 text",
    ]

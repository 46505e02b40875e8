"""`aggregator explain`: what the workers of a running service hold of one answer, and why it is or is not a hit."""

import os
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode, urlsplit

import click
import orjson

from aggregator.commands.admin_page import ADMIN_URL, Problem, default_url, page_of
from aggregator.commands.refusal import Refusal
from aggregator.commands.shown_answer import answer_lines
from aggregator.commands.text_file import text_of_file
from aggregator.mistakes import Mistaken
from aggregator.model.fragment import FORWARDED


@click.command()
@click.argument("url")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--admin-url", metavar="URL", help=f"The admin listener to ask. {ADMIN_URL}")
@click.option("--json", "as_json", is_flag=True, help="Print all that is told, as JSON.")
def explain(url: str, values: tuple[str, ...], admin_url: str | None, as_json: bool) -> None:
    """Explain the answer to URL: what each worker holds of it, how old and how current that is, and why.

    NAME is an input besides path and query: header.accept-language, cookie.theme, viewer.sub. Of forwarded headers
    the value is read from a file: forward.authorization=@FILE. Nothing is loaded, kept or used by it.
    """
    try:
        asked = urlencode([("target", _target(url)), *_given(values)], errors="surrogateescape")
        page = page_of(admin_url or default_url(os.environ), f"/explain?{asked}")
    except Problem as problem:
        raise Refusal(problem.said) from None
    except Mistaken as mistaken:
        raise Refusal(str(mistaken)) from None
    click.echo(page if as_json else "\n".join(answer_lines(orjson.loads(page))))


def _target(url: str) -> str:
    """Path and query of a URL, or of what is one without scheme and host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.path.startswith("/"):
        raise Refusal("expected the URL of a screen, or its path and query, such as /screens/home/42")
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _given(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise Refusal(f'"{text}": expected NAME=VALUE, such as viewer.sub=42')
        yield name, _read(name, value) if name.startswith(FORWARDED) else value


def _read(name: str, value: str) -> str:
    if not value.startswith("@"):
        raise Refusal(f"{name} may be a secret, which a command line shows to all; expected: {name}=@FILE")
    return text_of_file(name, value[1:])

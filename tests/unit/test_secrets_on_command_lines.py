"""No option takes a secret as its text, as all on a machine may read command lines: it takes the name of a file."""

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.commands.layers import load_settings
from aggregator.mistakes import Mistaken
from aggregator.settings import FROM_FILE, Settings

SECRETS = re.compile(r"key|secret|token|passw|credential|cert", re.IGNORECASE)
# What an option's text may be where its words speak of a secret.
HARMLESS = {"FILE", "URL", "PUBLISHER", "NAME", "COUNT", "true|false", None}
CANARY = "c4nary-p4ss"


def options() -> Iterator[tuple[str, click.Option]]:
    """Every option of every command."""
    for name, command in main.commands.items():
        yield from ((name, one) for one in command.params if isinstance(one, click.Option))


@pytest.mark.parametrize(("command", "option"), [*options()], ids=lambda one: getattr(one, "name", one))
def test_s25_no_option_takes_a_secret_as_its_text(command: str, option: click.Option) -> None:
    """What speaks of one takes a file's name, or a URL, which may hold none."""
    if SECRETS.search(f"{option.name} {option.help}"):
        assert option.is_flag or option.metavar in HARMLESS, (command, option.name, option.metavar)


@pytest.mark.parametrize("setting", [name for name in Settings.model_fields if name.endswith("url")])
def test_s25_a_url_with_a_password_is_refused_as_an_option(setting: str) -> None:
    """Each of them has a file, and a variable; the refusal does not show it."""
    assert setting in FROM_FILE
    for user in ("", "app"):
        with pytest.raises(Mistaken) as refused:
            load_settings({setting: f"redis://{user}:{CANARY}@127.0.0.1:6379/0"}, {})
        assert "seen by all" in str(refused.value)
        assert CANARY not in str(refused.value)


@pytest.mark.parametrize("command", ["explain", "invalidate"])
def test_s25_nor_is_one_taken_where_a_command_asks_a_service(command: str) -> None:
    """An admin URL has none, and a viewer's header comes from a file."""
    asked = [command, *(["--dry-run"] if command == "invalidate" else []), "/home/1"]
    urls = ["--admin-url", f"http://me:{CANARY}@127.0.0.1:1"]
    result = CliRunner().invoke(main, [*asked, *urls], env={"AGGREGATOR_PUBLISHER_KEY": "k"})
    assert result.exit_code == 2
    assert CANARY not in result.output

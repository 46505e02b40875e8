"""The help of a command says what kind of text a flag takes, and what the command reads."""

import re

import pytest
from click.testing import CliRunner

from aggregator.cli import main


def helped(command: str) -> str:
    """What `--help` says, its lines joined."""
    return re.sub(r"\s+", " ", CliRunner().invoke(main, [command, "--help"]).stdout)


@pytest.mark.parametrize(
    "words",
    [
        "--port PORT ",
        "--admin-host HOST ",
        "--workers COUNT ",
        "--redis-url URL ",
        "--log-url-file FILE ",
        "--namespace NAME ",
        "--l1-bytes SIZE ",
        "--log-retention DURATION ",
        "--when-unproven reload|serve ",
    ],
)
def test_a_flag_names_a_kind_and_no_value(words: str) -> None:
    """A value there would be taken for the default."""
    assert words in helped("serve")


def test_invalidate_says_that_it_reads_no_declaration() -> None:
    """Who set redis_url in a [service] table looks here."""
    assert "the [service] table of a declaration is not read" in helped("invalidate")

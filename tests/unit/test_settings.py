"""Flags win over variables, these over the [service] table, that over defaults; a mistake names its source."""

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from aggregator.commands.options import load_settings, settings_options
from aggregator.mistakes import Mistaken
from aggregator.servers.url import has_password, without_password
from aggregator.settings import Settings


def said(flags: dict[str, Any], environ: dict[str, str], service: Settings | None = None) -> list[str]:
    """What is said of wrong settings."""
    with pytest.raises(Mistaken) as caught:
        load_settings(flags, environ, service, "screens.toml")
    return [str(mistake) for mistake in caught.value.mistakes]


def test_defaults_are_in_seconds_and_bytes() -> None:
    """Every default is read like what an operator writes."""
    settings = load_settings({}, {})
    assert (settings.l1_bytes, settings.log_retention, settings.l2_budget) == (2**28, 3600.0, 0.05)
    assert (settings.admin_host, settings.admin_port, settings.namespace) == ("127.0.0.1", 8081, "aggregator")


@pytest.mark.parametrize(
    ("flags", "environ", "service", "port"),
    [
        ({"port": "1"}, {"AGGREGATOR_PORT": "2"}, Settings(port=3), 1),
        ({"port": None}, {"AGGREGATOR_PORT": "2"}, Settings(port=3), 2),
        ({}, {"AGGREGATOR_PORT": ""}, Settings(port=3), 3),
        ({}, {}, Settings(), 8080),
        ({"port": "8080"}, {"AGGREGATOR_PORT": "2"}, None, 8080),
    ],
)
def test_the_nearest_source_wins(flags: dict[str, Any], environ: dict[str, str], service: Settings, port: int) -> None:
    """A flag wins even where it says the default; an empty variable says nothing."""
    assert load_settings(flags, environ, service).port == port


def test_a_mistake_names_its_source() -> None:
    """Every mistake of every source is said at once, each under the name that the operator wrote."""
    lines = said({"l1_bytes": "256", "workers": "0"}, {"AGGREGATOR_PORT": "tcp://10.0.0.1:80"})
    assert lines[0] == 'AGGREGATOR_PORT: expected a whole number, not "tcp://10.0.0.1:80"'
    assert lines[1] == '--workers: expected a number of at least 1, not "0"'
    assert lines[2].startswith("--l1-bytes: expected a size with its unit")


@pytest.mark.parametrize(
    "url", ["redis://:hush@h:6379", "redis://me:hush@h", "redis://h?password=hush", "unix:///s?password=hush"]
)
def test_a_password_in_a_flag_is_refused(url: str) -> None:
    """It would be seen in the list of processes; a variable or a file may hold it."""
    line = said({"redis_url": url}, {})[0]
    assert line.startswith("--redis-url: a password on the command line is seen by all; use AGGREGATOR_REDIS_URL or")
    assert "hush" not in line
    assert load_settings({}, {"AGGREGATOR_REDIS_URL": url}).redis_url == url
    assert "hush" not in without_password(url)


def test_a_url_comes_from_a_file(tmp_path: Path) -> None:
    """What the file holds is the URL, and no file is left to be read later."""
    (tmp_path / "url").write_text("redis://:hush@h:6379/0\n")
    settings = load_settings({"redis_url_file": str(tmp_path / "url")}, {"AGGREGATOR_REDIS_URL": "redis://localhost/1"})
    assert (settings.redis_url, settings.redis_url_file) == ("redis://:hush@h:6379/0", None)


def test_a_url_overrules_a_file_of_a_lower_source() -> None:
    """A file that is not there does not matter where a nearer source says the URL."""
    service = Settings(redis_url_file="/nowhere")
    assert load_settings({"redis_url": "redis://localhost"}, {}, service).redis_url == "redis://localhost"
    assert said({}, {}, service) == [
        "screens.toml: [service] redis_url_file: the file /nowhere cannot be read: No such file or directory"
    ]


def test_a_source_says_a_url_or_a_file_not_both() -> None:
    """Which of them is meant cannot be known."""
    environ = {"AGGREGATOR_LOG_URL": "redis://localhost", "AGGREGATOR_LOG_URL_FILE": "/x"}
    assert said({}, environ) == ["AGGREGATOR_LOG_URL_FILE: expected one of it and AGGREGATOR_LOG_URL, not both"]


@pytest.mark.parametrize("url", ["http://me:hush@h", "redis://", "unix://", "hush", "redis://h:hush", "redis://[hush"])
def test_a_wrong_url_is_refused_unseen(url: str) -> None:
    """A URL that cannot be used is not repeated: it may hold a password."""
    line = said({}, {"AGGREGATOR_REDIS_URL": url})[0]
    assert line.startswith("AGGREGATOR_REDIS_URL: expected a URL such as")
    assert "hush" not in line


@pytest.mark.parametrize("namespace", ["", "a b", "a{b}", "a:b", "x" * 65, "é"])
def test_a_namespace_is_plain(namespace: str) -> None:
    """It stands before every Redis key, where braces and colons mean something."""
    assert said({"namespace": namespace}, {})[0].startswith("--namespace: expected 1 to 64 letters")


def test_two_listeners_have_two_ports() -> None:
    """One address cannot be both public and admin."""
    assert said({"port": "8081"}, {}) == [
        "admin_port: 8081 is the public listener's port too; expected: another one for the admin listener"
    ]
    assert load_settings({"port": "0", "admin_port": "0"}, {}).port == 0


def test_settings_survive_json() -> None:
    """What was dumped as JSON for another process is the same there."""
    settings = load_settings({"l2_budget": "75.5ms", "l1_bytes": "1000001B", "startup_limit": "61s"}, {})
    assert Settings.model_validate(settings.model_dump(mode="json")) == settings


def test_a_command_gets_one_option_a_setting() -> None:
    """Every setting has its flag, with help and default; or only those named."""

    @click.command()
    @settings_options
    def everything(**flags: Any) -> None:
        click.echo(load_settings(flags, {}).l1_bytes)

    @click.command()
    @settings_options("redis_url", "namespace")
    def two(**flags: Any) -> None:
        click.echo(sorted(flags))

    helped = CliRunner().invoke(everything, ["--help"]).output
    assert all(f"--{name.replace('_', '-')} " in helped for name in Settings.model_fields)
    assert CliRunner().invoke(everything, ["--l1-bytes", "1MiB"]).output == "1048576\n"
    assert CliRunner().invoke(two, []).output == "['namespace', 'redis_url']\n"


def test_a_user_name_alone_is_no_password() -> None:
    """Only what is secret is refused in a flag."""
    assert not has_password("redis://me@h:6379")

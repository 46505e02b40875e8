"""Every mistake in a declaration is named by file, table and key, all at once, and none ends in a traceback."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.declaration.read import declare, declare_raw
from aggregator.mistakes import Mistaken
from aggregator.model.catalogue import Secret
from cache_policies.policy import Lifetime
from tests.samples.wrong import ENVIRON, RIGHT, SYNTAX, WRONG, Wrong

SAMPLE = Path(__file__).parent.parent / "samples" / "screens.toml"
SAMPLE_ENVIRON = {"USERS_API_KEY": "an-api-key", "USERS_KEY": "a-key"}


def lines(text: str, environ: dict[str, str] = ENVIRON) -> list[str]:
    """What is said of a declaration."""
    with pytest.raises(Mistaken) as caught:
        declare_raw("screens.toml", tomllib.loads(text), environ)
    return [str(mistake) for mistake in caught.value.mistakes]


def written(folder: Path, content: str | bytes) -> str:
    """A file of that content."""
    path = folder / "screens.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.line[:60])
def test_a_mistake_is_one_clear_line_from_check(wrong: Wrong, tmp_path: Path) -> None:
    """`check` says the line, nothing else, and leaves with 2."""
    path = written(tmp_path, wrong.text)
    result = CliRunner(env=ENVIRON).invoke(main, ["check", path])
    said = [line for line in result.stderr.splitlines() if wrong.line in line]
    assert said, result.output
    assert said[0].startswith(f"{path}: {wrong.line}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("wrong", [WRONG[3], *SYNTAX], ids=lambda wrong: wrong.line[:60])
def test_no_mistake_is_a_traceback_of_the_program(wrong: Wrong, tmp_path: Path) -> None:
    """The installed program says the same as the command in process."""
    command = [sys.executable, "-m", "aggregator", "check", written(tmp_path, wrong.text)]
    done = subprocess.run(command, env={**os.environ, **ENVIRON}, capture_output=True, text=True, check=False)
    assert wrong.line in done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_the_right_one_has_no_mistake() -> None:
    """What the table of wrong ones starts from is right."""
    assert declare_raw("screens.toml", tomllib.loads(RIGHT), ENVIRON).warnings == ()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff\xfe\x00", "line 1 is not UTF-8 text (byte 0 of the file)"),
        (b"version = 1\nx = '\xe9'", "line 2 is not UTF-8 text (byte 17 of the file)"),
        (b"\x00\x01\x02", "line 1, column 1: no valid TOML"),
        (b"", "mbus: missing table; expected: the MBUs, as [mbus.<name>]"),
        (b"a = " + b"9" * 5000, "no valid TOML"),
        (b"[" + b"a." * 5000 + b"a]", "a: unknown key"),
        (b"[fragments." + b"a." * 5000 + b"a]", "[fragments.a] a: unknown key"),
        (b"#" * (4 * 2**20 + 1), "is larger than 4194304 bytes, and so no declaration"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_declaration_at_all_is_a_mistake(content: bytes, line: str, tmp_path: Path) -> None:
    """Binary, empty, huge and deeply nested files are mistakes like any other."""
    with pytest.raises(Mistaken, match=r"screens\.toml: ") as caught:
        declare(written(tmp_path, content), ENVIRON)
    assert line in str(caught.value)


def test_every_mistake_is_said_at_once() -> None:
    """One mistake hides no other: not in its own table, not in those that name it."""
    text = RIGHT
    for wrong in (
        'url = "x"',
        'path = "/u/{uid}"',
        'deadline = "1"',
        'mbu = "userz"',
        'key_env = "GONE"',
        "tags = [1]",
    ):
        key = wrong.split(" = ")[0]
        old = next(line for line in RIGHT.splitlines() if line.startswith(key + " = "))
        text = text.replace(old, wrong, 1)
    said = "\n".join(lines(text))
    for part in ("[mbus.users] url", "deadline", "mbu: no MBU", "{uid} is filled", "GONE is not set", "tags[0]"):
        assert part in said
    assert len(said.splitlines()) == 6


def test_a_wrong_table_is_there_for_those_that_name_it() -> None:
    """A slot that names a fragment with a mistake is no second mistake."""
    assert len(lines(RIGHT.replace('path = "/users/{user_id}"', "path = 3"))) == 1


def test_no_secret_is_ever_said(tmp_path: Path) -> None:
    """A credential that cannot be used is named by where it is, not by what it is."""
    text = RIGHT.replace('x-api-key = "k"', 'x = { env = "BAD" }, y = "hush\\n"').replace("127", "me:hush@127")
    said = "\n".join(lines(text, {**ENVIRON, "BAD": "hush\r\n"}))
    assert "the variable BAD" in said
    assert "hush" not in said


def test_the_documented_sample_is_right_and_means_what_it_says() -> None:
    """The sample compiles into the catalogue that its comments describe."""
    catalogue = declare(str(SAMPLE), SAMPLE_ENVIRON).catalogue
    users, user, posts = catalogue.mbus["users"], catalogue.fragments["user"], catalogue.fragments["posts"]
    assert (users.deadline, users.max_in_flight, users.max_payload) == (0.5, 64, 2**20)
    assert users.headers == {"x-api-key": Secret(env="USERS_API_KEY")}
    assert catalogue.mbus["posts"].deadline == 1.0
    assert (user.lifetime, user.absent_for) == (Lifetime(60.0, 30.0, 600.0), 5.0)
    assert (posts.lifetime, posts.jitter, posts.early_refresh) == (Lifetime(60.0, 0.0, 0.0), 0.1, 1.0)
    assert posts.tags_from is not None
    assert posts.tags_from.steps == ("[*]", "id")
    slots = catalogue.screens["home"].slots
    assert [(slot.name, slot.fragment.name, slot.required) for slot in slots] == [
        ("user", "user", True),
        ("posts", "posts", False),
    ]
    assert catalogue.publishers["users"].key == Secret(env="USERS_KEY")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('tags_from = "[*].id"', 'stale_if_error = "2h"', "[fragments.user] fresh_for: is kept for up to 121m"),
        ("[screens.home]", '[fragments.x]\nmbu = "users"\npath = "/x"\n[screens.home]', "[fragments.x]: is used by no"),
        ("[fragments.user]", '[mbus.x]\nurl = "http://h"\n[fragments.user]', "[mbus.x]: is asked by no fragment"),
        ("home/{user_id}", "home/{user_id}/{page}", "[screens.home] path: {page} is used by no slot"),
    ],
)
def test_what_will_hardly_be_meant_is_a_warning(old: str, new: str, line: str) -> None:
    """A warning names its place like a mistake, and stops nothing."""
    declared = declare_raw("screens.toml", tomllib.loads(RIGHT.replace(old, new)), ENVIRON)
    assert [str(warning).startswith(f"screens.toml: {line}") for warning in declared.warnings] == [True]


def test_relative_files_are_found_beside_the_declaration(tmp_path: Path) -> None:
    """A key_file is named from where the declaration is, not from where the program was started."""
    (tmp_path / "key").write_text("a-key\n")
    path = written(tmp_path, RIGHT.replace('key_env = "USERS_KEY"', 'key_file = "key"'))
    assert declare(path, {}).catalogue.publishers["users"].key.file == str(tmp_path / "key")


def test_relative_files_of_the_service_are_found_there_too(tmp_path: Path) -> None:
    """All of one file's names start at the same place, and only what was written counts as set."""
    path = written(tmp_path, RIGHT.replace('log_retention = "1h"', 'redis_url_file = "url"'))
    service = declare(path, ENVIRON).service
    assert service.redis_url_file == str(tmp_path / "url")
    assert service.model_fields_set == {"redis_url_file"}

"""`aggregator check` says what is declared and in force, or every mistake; never a secret, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from aggregator.cli import main
from tests.samples.right import ENVIRON, RIGHT
from tests.samples.waves import WAVES

ROOT = Path(__file__).parent.parent.parent
SAMPLE = str(ROOT / "tests" / "samples" / "screens.toml")
SECRETS = {"USERS_API_KEY": "hush-api", "USERS_KEY": "hush-key"}


def check(*arguments: str, **environ: str) -> Result:
    """The command's result."""
    return CliRunner(env={**SECRETS, **environ}).invoke(main, ["check", *arguments])


def test_the_documented_sample_is_right() -> None:
    """It leaves with 0 and shows screens, fragments, MBUs and publishers."""
    result = check(SAMPLE)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{SAMPLE}: no mistakes\n")
    for line in (
        "  home  GET /screens/home/{user_id}  user (required), posts; no client_max_age",
        "  user  users /users/{user_id}  fresh_for 60s, stale_while_revalidate 30s, stale_if_error 10m, absent_for 5s, "
        "jitter 0.1, early_refresh 1",
        "  posts  http://127.0.0.1:9002  deadline 1s, 64 in flight a process",
        "  users  user:*, posts-of:*, posts:*",
    ):
        assert line in result.stdout.splitlines()


def test_the_defaults_in_force_are_shown() -> None:
    """What nobody wrote is shown as it could have been written, and variables are heeded."""
    shown = check(SAMPLE, AGGREGATOR_WORKERS="3").stdout.splitlines()
    for line in (
        'fresh_for = "60s"',
        'absent_for = "5s"',
        'max_payload = "1MiB"',
        'l1_bytes = "256MiB"',
        "workers = 3",
    ):
        assert f"  {line}" in shown
    assert "  redis_url is not set" in shown


def test_what_shortens_a_lifetime_is_shown_and_what_a_client_may_do(tmp_path: Path) -> None:
    """jitter and early_refresh of a fragment, client_max_age of a screen."""
    path = tmp_path / "screens.toml"
    text = RIGHT.replace('tags_from = "[*].id"', "jitter = 0.25\nearly_refresh = 0")
    path.write_text(text.replace('slots = { user = "user" }', 'slots = { user = "user" }\nclient_max_age = "10s"'))
    shown = check(str(path), **ENVIRON).stdout
    assert "absent_for 5s, jitter 0.25, early_refresh 0\n" in shown
    assert "  home  GET /screens/home/{user_id}  user; client_max_age 10s\n" in shown


def test_what_a_slot_reads_is_shown_and_what_may_be_served_overtaken(tmp_path: Path) -> None:
    """Where inputs come from, as far as the slot says it; of serve_overtaken_on_error only that there is some."""
    path = tmp_path / "screens.toml"
    path.write_text(WAVES)
    lines = check(str(path), TOKENS="0123456789abcdef0123456789abcdef").stdout.splitlines()
    owner, badge = "owner (user_id from feed.owner_id)", "badge (badge_id from owner.badge_id)"
    slots = f"theme, cart (required), {owner}, {badge}, articles (each feed.items[*].id, at most 20)"
    assert f"  story  GET /stories/{{feed_id:int}}  feed (required), {slots}; no client_max_age" in lines
    [user] = [line for line in lines if line.startswith("  user ")]
    assert "stale_if_error 10m, serve_overtaken_on_error 5m, absent_for 5s," in user
    assert "\n".join(lines).count("overtaken") == 1


def test_it_says_whose_pages_may_read_answers(tmp_path: Path) -> None:
    """By origin; nobody's where none is declared."""
    path, heading = tmp_path / "screens.toml", "pages of other origins that may read answers"
    path.write_text(RIGHT + '[cors]\norigins = ["https://app.example", "capacitor://localhost"]\ncredentials = true\n')
    lines = check(str(path), **ENVIRON).stdout.splitlines()
    at = lines.index(heading)
    more = "with credentials, max_age 10m"
    assert lines[at + 1 : at + 4] == [f"  https://app.example  {more}", f"  capacitor://localhost  {more}", ""]
    path.write_text(RIGHT)
    lines = check(str(path), **ENVIRON).stdout.splitlines()
    assert lines[lines.index(heading) + 1] == ""


def test_what_is_audited_is_shown_and_what_is_left_out(tmp_path: Path) -> None:
    """Slots without tags, and screens whose views a cookie or a header that is handed on decides."""
    path = tmp_path / "screens.toml"
    card = '[screens.card]\npath = "/cards/{user_id}/{feed_id}"\nslots = { user = "user", popular = "popular" }'
    path.write_text(f"{WAVES}\n{card}\n[audit]\nsample = 0.01\n")
    lines = check(str(path), TOKENS="0123456789abcdef0123456789abcdef").stdout.splitlines()
    start = lines.index("[audit] in force")
    assert lines[start + 1 : lines.index("", start)] == [
        "  sample = 0.01",
        "  budget = 10",
        "  not story: its addresses do not tell all that decides its views",
        "  not popular in card, nor what reads that: no tags are declared",
    ]
    assert "  sample = 0.0" in check(SAMPLE).stdout.splitlines()


def test_no_secret_is_shown() -> None:
    """Neither credentials nor the password of a Redis URL."""
    result = check(SAMPLE, AGGREGATOR_REDIS_URL="redis://:hush@redis:6379/0")
    assert '  redis_url = "redis://***@redis:6379/0"' in result.stdout.splitlines()
    assert "hush" not in result.output


def test_wrong_variables_are_mistakes_too() -> None:
    """What would keep the service from starting is said beside what is wrong in the file."""
    lines = check(SAMPLE, AGGREGATOR_PORT="x", USERS_KEY="").stderr.splitlines()
    assert lines == [
        f"{SAMPLE}: [publishers.users] key_env: the variable USERS_KEY is empty",
        'AGGREGATOR_PORT: expected a whole number, not "x"',
    ]


def test_a_warning_stops_nothing(tmp_path: Path) -> None:
    """It goes to standard error, and the command leaves with 0."""
    path = tmp_path / "screens.toml"
    path.write_text(RIGHT.replace('tags_from = "[*].id"', 'stale_if_error = "2h"'))
    result = check(str(path), **ENVIRON)
    assert result.stderr.startswith(f"warning: {path}: [fragments.user] fresh_for: is kept for up to")
    assert result.exit_code == 0


def test_the_schema_is_the_documented_one() -> None:
    """docs/screens.schema.json is what `check --schema` prints: print it there again after a change."""
    result = check("--schema")
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "docs" / "screens.schema.json").read_text(encoding="utf-8")
    assert "null" not in result.stdout
    assert json.loads(result.stdout)["required"] == ["version", "mbus", "fragments", "screens"]


def test_a_file_is_needed() -> None:
    """Without one the command says so, and leaves with 2."""
    result = check()
    assert result.exit_code == 2
    assert "expected a FILE to check" in result.stderr


def test_the_module_is_the_command() -> None:
    """`python -m aggregator` is `aggregator`."""
    command = [sys.executable, "-m", "aggregator", "check", SAMPLE]
    done = subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{SAMPLE}: no mistakes")

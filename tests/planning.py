"""Running `aggregator plan` in this process, on a screen that takes three waves."""

from pathlib import Path

from click.testing import CliRunner, Result

from aggregator.cli import main
from tests.samples.waves import WAVES

SAMPLE = str(Path(__file__).parent / "samples" / "screens.toml")
# What the screen `story` cannot do without.
LEAST = ("feed_id=42", "query.sort=new", "viewer.sub=7")


def plan(*arguments: str, file: str = SAMPLE, **environ: str) -> Result:
    """The command's result, by default on the documented sample, without any credential set."""
    unset = {"USERS_API_KEY": None, "USERS_KEY": None, "TOKENS": None}
    return CliRunner(env={**unset, **environ}).invoke(main, ["plan", file, *arguments])


def story(folder: Path, *given: str, text: str = WAVES) -> Result:
    """The command's result on the screen `story` of the declaration."""
    path = folder / "screens.toml"
    path.write_text(text)
    return plan("story", *LEAST, *given, file=str(path))


def shown(result: Result, slot: str = "") -> list[str]:
    """The lines that are shown, or those of one slot."""
    assert result.exit_code == 0, result.output
    if not slot:
        return result.stdout.splitlines()
    return next(block for block in result.stdout.split("\n\n") if block.startswith(f"slot {slot} ")).splitlines()

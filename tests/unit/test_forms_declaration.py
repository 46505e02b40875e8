"""An MBU is declared by a URL, as an application or as a call; each mistake in that is a clear line."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli import main
from aggregator.declaration.read import declare, declare_raw
from aggregator.mistakes import Mistaken
from aggregator.model.catalogue import Mbu
from aggregator.sources import loader
from tests.samples.right import ENVIRON, RIGHT, URL, Wrong
from tests.samples.wrong_forms import APP, CALL, FORMS


def mistakes(text: str, environ: dict[str, str] | None) -> list[str]:
    """What is said of a declaration."""
    try:
        declare_raw("screens.toml", tomllib.loads(text), environ)
    except Mistaken as mistaken:
        return [str(mistake) for mistake in mistaken.mistakes]
    return []


def written(folder: Path, form: str) -> str:
    """A file like RIGHT, whose MBU has this form."""
    path = folder / "screens.toml"
    path.write_text(RIGHT.replace(URL, form))
    return str(path)


@pytest.mark.parametrize("wrong", FORMS, ids=lambda wrong: wrong.line[:60])
def test_a_mistake_is_one_clear_line(wrong: Wrong) -> None:
    assert f"screens.toml: {wrong.line}" in mistakes(wrong.text, ENVIRON)


def test_one_mistake_in_a_form_is_said_once() -> None:
    """A form that is given and wrong is not missing; nor is what stands beside no form at all wrong."""
    assert len(mistakes(RIGHT.replace(URL, "app = 3"), ENVIRON)) == 1
    assert len(mistakes(RIGHT.replace(URL, 'ca_file = "c"'), None)) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise ValueError('a\\n  b')", "ValueError: a b"),
        ("def __getattr__(name): raise ValueError(name)", "ValueError: app"),
    ],
)
def test_a_module_that_fails_is_one_line_too(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"failing_{said[-1]}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    text = RIGHT.replace(URL, f'app = "{module}:app"')
    assert mistakes(text, ENVIRON) == [f"screens.toml: [mbus.users] app: {module} cannot be imported: {said}"]


def test_what_is_found_in_the_working_directory_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shop_in_folder.py").write_text("class Shop:\n    @staticmethod\n    def fetch(request): ...\n")
    text = RIGHT.replace(URL, 'call = "shop_in_folder:Shop.fetch"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("/nowhere")  # so that the path is as it was afterwards
    assert mistakes(text, ENVIRON) == []


def test_nothing_is_imported_where_no_credential_is_looked_for() -> None:
    """As in `plan`, which runs where the MBUs' code may not be."""
    assert mistakes(RIGHT.replace(URL, 'app = "no_such_shop:app"'), None) == []


@pytest.mark.parametrize(
    ("form", "kind", "place", "asked"),
    [
        (
            'url = "http://h/base/"',
            "HttpLoader",
            "http://h/base",
            "  URL       GET http://h/base/users/42",
        ),
        (
            APP,
            "AsgiLoader",
            "app tests.samples.shop:app",
            "  MBU       app tests.samples.shop:app  GET /users/42",
        ),
        (
            CALL,
            "FunctionLoader",
            "call tests.samples.shop:fetch",
            "  MBU       call tests.samples.shop:fetch  GET /users/42",
        ),
    ],
)
def test_each_form_is_shown_and_asked_in_its_way(form: str, kind: str, place: str, asked: str, tmp_path: Path) -> None:
    """By `check` and `plan`, and in the service, inside the same wrappers."""
    path = written(tmp_path, form)
    shown = CliRunner(env=ENVIRON).invoke(main, ["check", path])
    assert f"  users  {place}  deadline 500ms, 64 in flight a process" in shown.stdout.splitlines(), shown.output
    planned = CliRunner(env=ENVIRON).invoke(main, ["plan", path, "home", "user_id=42"])
    assert asked in planned.stdout.splitlines(), planned.output
    [mbu] = declare(path, ENVIRON).catalogue.mbus.values()
    assert layers(mbu) == ["Deadline", "Bulkhead", "Breaker", "Gathering", kind]


def layers(mbu: Mbu) -> list[str]:
    """What an MBU is asked through, from the outside in."""
    layer: object = loader(mbu)
    found = [type(layer).__name__]
    while inner := getattr(layer, "_inner", None) or getattr(layer, "_single", None):
        layer = inner
        found.append(type(layer).__name__)
    return found

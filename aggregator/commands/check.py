"""`aggregator check`: every mistake of a declaration at once, or what it means, with the defaults in force."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict

import click

from aggregator.commands.layers import load_settings
from aggregator.commands.refusal import refuse, warn
from aggregator.commands.shown_audit import unaudited
from aggregator.declaration.read import Declared, declare
from aggregator.declaration.schema import declaration_schema
from aggregator.mistakes import Mistake, Mistaken
from aggregator.model.catalogue import Catalogue
from aggregator.model.cors import Cors
from aggregator.model.fragment import Fragment
from aggregator.model.screen import Screen, Slot
from aggregator.servers.url import without_password
from aggregator.settings import FROM_FILE, Settings
from aggregator.units import show_duration


@click.command()
@click.argument("file", required=False)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a declaration instead.")
def check(file: str | None, schema: bool) -> None:
    """Say every mistake in FILE (screens.toml, or module:attribute) and leave with 2; or what it declares."""
    if schema:
        click.echo(json.dumps(declaration_schema(), indent=2, ensure_ascii=False))
        return
    if file is None:
        raise click.UsageError("expected a FILE to check, such as screens.toml")
    declared, settings = checked(file)
    warn(declared.warnings)
    click.echo("\n".join(summary(declared, settings)))


def checked(file: str) -> tuple[Declared, Settings]:
    """What the file declares, and the settings in force; ends the program with every mistake there is."""
    mistakes: list[Mistake] = []
    declared = service = settings = None
    try:
        declared = declare(file, os.environ)
        service = declared.service
    except Mistaken as mistaken:
        mistakes += mistaken.mistakes
    try:
        settings = load_settings({}, os.environ, service, file)
    except Mistaken as mistaken:
        mistakes += mistaken.mistakes
    if declared is None or settings is None:
        refuse(Mistaken(mistakes))
    return declared, settings


def summary(declared: Declared, settings: Settings) -> Iterator[str]:
    """The lines that say what is declared and what is in force."""
    catalogue = declared.catalogue
    yield f"{declared.source}: no mistakes"
    yield from ("", "screens")
    yield from (
        f"  {screen.name}  GET {screen.route.text}  {_slots(screen)}; {client_age(screen)}"
        for screen in catalogue.screens.values()
    )
    yield from ("", "fragments")
    yield from (f"  {fragment.name}  {_fragment(fragment)}" for fragment in catalogue.fragments.values())
    yield from ("", "MBUs")
    yield from _mbus(catalogue)
    yield from ("", "publishers")
    yield from (f"  {one.name}  {', '.join(one.tags)}" for one in catalogue.publishers.values())
    yield from ("", "pages of other origins that may read answers")
    yield from _cors(catalogue.cors)
    yield from ("", "[audit] in force")
    yield from _keys(asdict(catalogue.audit))
    yield from unaudited(catalogue)
    yield from ("", "[defaults] in force")
    yield from _keys(declared.defaults.model_dump(mode="json"))
    yield from ("", "[service] in force")
    yield from _keys(_without_passwords(settings))


def lifetimes(fragment: Fragment) -> str:
    """A fragment's lifetimes, as they are declared, and what makes them shorter."""
    seconds = fragment.lifetime._asdict()
    if overtaken := seconds.pop("overtaken_if_error"):
        seconds["serve_overtaken_on_error"] = overtaken
    seconds["absent_for"] = fragment.absent_for
    chance = [f"jitter {fragment.jitter:g}", f"early_refresh {fragment.early_refresh:g}"]
    return ", ".join([*(f"{name} {show_duration(each)}" for name, each in seconds.items()), *chance])


def client_age(screen: Screen) -> str:
    """How long a client may use an answer unasked."""
    return f"client_max_age {show_duration(screen.client_max_age)}" if screen.client_max_age else "no client_max_age"


def _slots(screen: Screen) -> str:
    said = {slot.name: [*(["required"] if slot.required else []), *_sources(slot)] for slot in screen.slots}
    return ", ".join(f"{name} ({', '.join(words)})" if words else name for name, words in said.items())


def _sources(slot: Slot) -> Iterator[str]:
    """Where its inputs come from, as far as that is said."""
    yield from (f"{name} from {source.text}" for name, source in slot.given.items())
    if slot.each:
        lists = " and ".join(source.text for source in slot.each.values())
        yield f"each {lists}, at most {slot.max_items}"


def _fragment(fragment: Fragment) -> str:
    return f"{fragment.mbu} {fragment.path.text}  {lifetimes(fragment)}"


def _mbus(catalogue: Catalogue) -> Iterator[str]:
    for mbu in catalogue.mbus.values():
        limits = f"deadline {show_duration(mbu.deadline)}, {mbu.max_in_flight} in flight a process"
        yield f"  {mbu.name}  {mbu.place}  {limits}"


def _cors(cors: Cors | None) -> Iterator[str]:
    if cors:
        more = f"{'with' if cors.credentials else 'without'} credentials, max_age {show_duration(cors.max_age)}"
        yield from (f"  {origin}  {more}" for origin in cors.origins)


def _keys(table: dict[str, object]) -> Iterator[str]:
    for key, text in table.items():
        yield f"  {key} = {json.dumps(text)}" if text is not None else f"  {key} is not set"


def _without_passwords(settings: Settings) -> dict[str, object]:
    shown = settings.model_dump(mode="json")
    return shown | {url: without_password(shown[url]) for url in FROM_FILE if shown[url]}

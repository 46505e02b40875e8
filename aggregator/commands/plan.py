"""`aggregator plan`: what one request for a screen would need, without asking anybody."""

import os
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import click

from aggregator.commands.check import client_age, lifetimes
from aggregator.commands.layers import load_settings
from aggregator.commands.refusal import refuse, warn
from aggregator.declaration.read import declare
from aggregator.mistakes import Mistake, Mistaken, near, quoted
from aggregator.model.catalogue import Catalogue, Mbu
from aggregator.model.plan import Want
from aggregator.model.plan import plan as plan_of
from aggregator.model.route import Parameter
from aggregator.model.screen import Screen
from aggregator.units import shown

_KINDS = {"str": "1 to 200 bytes of text without control characters", "int": "a whole number", "uuid": "a UUID"}


@click.command()
@click.argument("file")
@click.argument("screen")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
def plan(file: str, screen: str, values: tuple[str, ...]) -> None:
    """Show slots, keys, tags, URLs and lifetimes of a request for SCREEN. No credential is needed or shown."""
    try:
        declared = declare(file, None)
        namespace = load_settings({}, os.environ, declared.service, file).namespace
        found = _screen(declared.catalogue, screen)
        inputs = read_inputs(found, values)
        wants = plan_of(found, inputs, namespace)
        if wants is None:
            raise Mistaken([Mistake("", "", found.name, "these values cannot stand in an MBU's path or in a tag: 404")])
    except Mistaken as mistaken:
        refuse(mistaken)
    warn(declared.warnings)
    click.echo("\n".join(_shown(found, inputs, wants, declared.catalogue.mbus, namespace)))


def _screen(catalogue: Catalogue, name: str) -> Screen:
    if name not in catalogue.screens:
        message = f"no such screen; expected one of: {', '.join(catalogue.screens)}"
        raise Mistaken([Mistake("", "", quoted(name), message, near(name, catalogue.screens))])
    return catalogue.screens[name]


def read_inputs(screen: Screen, given: tuple[str, ...]) -> dict[str, str]:
    """The screen's inputs in the order of its path, from texts such as "user_id=42"; Mistaken otherwise."""
    said: dict[str, str] = {}
    known = [parameter.name for parameter in screen.route.parameters]
    mistakes = [mistake for text in given if (mistake := _take(text, known, said))]
    read = {parameter.name: _read(parameter, said) for parameter in screen.route.parameters}
    mistakes += [_wrong(parameter, said) for parameter in screen.route.parameters if read[parameter.name] is None]
    if mistakes:
        raise Mistaken(mistakes)
    return {name: value for name, value in read.items() if value is not None}


def _take(text: str, known: list[str], said: dict[str, str]) -> Mistake | None:
    name, equals, value = text.partition("=")
    if not equals:
        return Mistake("", "", shown(text), "expected NAME=VALUE, such as user_id=42")
    if name not in known:
        message = f"no input of the screen; expected: {', '.join(known) or 'none'}"
        return Mistake("", "", quoted(name), message, near(name, known))
    if name in said:
        return Mistake("", "", name, "given twice")
    said[name] = value
    return None


def _read(parameter: Parameter, said: Mapping[str, str]) -> str | None:
    # The same way as a request's path segment: what a shell cannot decode arrives as surrogates.
    text = said.get(parameter.name)
    return None if text is None else parameter.read(quote(text, safe="", errors="surrogateescape").encode())


def _wrong(parameter: Parameter, said: Mapping[str, str]) -> Mistake:
    if parameter.name not in said:
        return Mistake("", "", parameter.name, f"missing; expected: {parameter.name}=VALUE")
    message = f"expected {_KINDS[parameter.type]}, not {shown(said[parameter.name])}"
    return Mistake("", "", parameter.name, message)


def _shown(
    screen: Screen, inputs: Mapping[str, str], wants: tuple[Want, ...], mbus: Mapping[str, Mbu], namespace: str
) -> Iterator[str]:
    path = "/".join(
        segment if isinstance(segment, str) else quote(inputs[segment.name], safe="")
        for segment in screen.route.segments
    )
    yield f"screen {screen.name}  GET /{path}"
    yield f"  key       {screen.key(namespace, screen.identity(inputs)).name}"
    yield f"  tags      {', '.join(screen.own_tags)}, and those of its slots"
    yield f"  client    {client_age(screen)}"
    for want in wants:
        yield from ("", *_slot(want, mbus[want.slot.fragment.mbu]))


def _slot(want: Want, mbu: Mbu) -> Iterator[str]:
    fragment = want.slot.fragment
    learned = f", and {fragment.tags_from_prefix}… from {fragment.tags_from.text}" if fragment.tags_from else ""
    yield f"slot {want.slot.name}{' (required)' if want.slot.required else ''}  fragment {fragment.name}"
    yield f"  key       {want.key.name}"
    yield f"  tags      {', '.join(want.tags)}{learned}"
    yield f"  URL       GET {mbu.url}{want.target}"
    yield f"  lifetime  {lifetimes(fragment)}"

"""What a plan is asked for: a request's inputs, read from texts such as "user_id=42" as the service reads them."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from urllib.parse import quote, urlencode

from aggregator.mistakes import Mistake, Mistaken, near, quoted
from aggregator.model.catalogue import Catalogue
from aggregator.model.fragment import FORWARDED, SUBJECT
from aggregator.model.inputs import InputMistake, Inputs, read_field
from aggregator.model.route import Parameter
from aggregator.model.screen import Screen
from aggregator.units import shown

_KINDS = {"str": "1 to 200 bytes of text without control characters", "int": "a whole number", "uuid": "a UUID"}
_SECRET = ("cookie.", FORWARDED)
_STAND_IN = "not-asked-for"

Read = Callable[[str | None], str]


def depends_on_secrets(names: Iterable[str]) -> bool:
    """Is one of the inputs such that a hash stands for it in keys, which only the service can make?"""
    return any(name.startswith(_SECRET) for name in names)


def read_inputs(screen: Screen, given: Iterable[str]) -> Inputs:
    """The inputs of a request for the screen; Mistaken with every mistake in what is given.

    Forwarded headers are not asked for: they have a stand-in, so that nobody types a secret on a command line.
    """
    reads = dict(_reads(screen))
    said: dict[str, str] = {}
    mistakes = [mistake for text in given if (mistake := _take(text, list(reads), said))]
    values = {f"{FORWARDED}{name}": _STAND_IN for name in screen.forwarded}
    for name, read in reads.items():
        try:
            values[name] = read(said.get(name))
        except InputMistake as mistake:
            mistakes.append(Mistake("", "", name, str(mistake)))
    if mistakes:
        raise Mistaken(mistakes)
    return Inputs(values, subject=values.get(SUBJECT))


def screen_of(catalogue: Catalogue, name: str) -> Screen:
    """The screen of this name; Mistaken where there is none."""
    if name not in catalogue.screens:
        message = f"no such screen; expected one of: {', '.join(catalogue.screens)}"
        raise Mistaken([Mistake("", "", quoted(name), message, near(name, catalogue.screens))])
    return catalogue.screens[name]


def needed(screen: Screen) -> list[str]:
    """The names of the inputs that have to be given."""
    return [name for name, read in _reads(screen) if _refuses_nothing(read)]


def target(screen: Screen, inputs: Inputs) -> str:
    """Path and query of the request, with those query parameters that are not at their defaults."""
    segments = (
        segment if isinstance(segment, str) else quote(inputs.values[segment.name], safe="")
        for segment in screen.route.segments
    )
    said = {query.parameter.name: inputs.values[f"query.{query.parameter.name}"] for query in screen.queries}
    pairs = [
        (query.parameter.name, text)
        for query in screen.queries
        if (text := said[query.parameter.name]) != query.default
    ]
    return f"/{'/'.join(segments)}{'?' if pairs else ''}{urlencode(pairs, quote_via=quote)}"


def _reads(screen: Screen) -> Iterator[tuple[str, Read]]:
    """Each input that can be given, with how it is read."""
    for parameter in screen.route.parameters:
        yield parameter.name, partial(_typed, parameter.name, parameter, None)
    for query in screen.queries:
        yield f"query.{query.parameter.name}", partial(_query, query.parameter, query.default)
    for name in screen.claims:
        yield name, partial(_typed, name, Parameter(name), None)
    for kind, names in {"header": screen.headers, "cookie": screen.cookies}.items():
        for name in names:
            yield f"{kind}.{name}", partial(_field, kind, name)


def _refuses_nothing(read: Read) -> bool:
    try:
        read(None)
    except InputMistake:
        return True
    return False


def _typed(name: str, parameter: Parameter, default: str | None, said: str | None) -> str:
    if said is None:
        if default is None:
            raise InputMistake(f"missing; expected: {name}=VALUE")
        return default
    value = parameter.read_text(said)
    if value is None:
        raise InputMistake(f"expected {_KINDS[parameter.type]}, not {shown(said)}")
    return value


def _query(parameter: Parameter, default: str | None, said: str | None) -> str:
    """What is given empty is not given."""
    return _typed(f"query.{parameter.name}", parameter, default, said or None)


def _field(kind: str, name: str, said: str | None) -> str:
    """An absent header or cookie is the same as an empty one."""
    return read_field(kind, name, (said or "").encode(errors="surrogateescape").decode("latin-1"))


def _take(text: str, known: list[str], said: dict[str, str]) -> Mistake | None:
    name, equals, value = text.partition("=")
    if name.startswith(FORWARDED):
        return Mistake("", "", quoted(name), "may be a secret, which a command line shows to all; leave it out")
    if not equals:
        return Mistake("", "", shown(text), "expected NAME=VALUE, such as user_id=42")
    if name not in known:
        message = f"no input of the screen; expected: {', '.join(known) or 'none'}"
        return Mistake("", "", quoted(name), message, near(name, known))
    if name in said:
        return Mistake("", "", name, "given twice")
    said[name] = value
    return None

"""The checks across tables: what one table says of another has to be there, and to fit."""

from collections.abc import Iterator

from aggregator.declaration.batches import check_batches
from aggregator.declaration.circles import check_graphs
from aggregator.declaration.private import check_private
from aggregator.declaration.slots import check_slots
from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake, near, quoted
from aggregator.model.cors import ANY
from aggregator.model.route import Route
from aggregator.model.template import Template
from aggregator.settings import FROM_FILE

RESERVED_PATHS = ("/healthz", "/readyz")
Found = Iterator[Mistake]


def check(written: Written) -> list[Mistake]:
    """All mistakes across tables but those of credentials."""
    checks = (_service, _cors, _lifetimes, _mbu_names, _tags, _learned_tags, _paths)
    more = (check_batches, check_slots, check_graphs, check_private)
    return [mistake for one in (*checks, *more) for mistake in one(written)]


def _service(written: Written) -> Found:
    for url, file in FROM_FILE.items():
        if written.says(url, "service") and written.says(file, "service"):
            yield Mistake(written.file, "service", file, f"expected one of {url} and {file}, not both")


def _cors(written: Written) -> Found:
    cors = written.right.cors
    if ANY in cors.origins and len(cors.origins) > 1:
        yield Mistake(written.file, "cors", "origins", '"*" is any origin; expected: "*" alone, or origins by name')
    if ANY in cors.origins and cors.credentials:
        message = (
            'with origins = ["*"] any page could read what a visitor\'s cookies show; expected: origins by name, or '
            "credentials = false"
        )
        yield Mistake(written.file, "cors", "credentials", message)


def _lifetimes(written: Written) -> Found:
    for name in written.right.fragments:
        if not written.says("fresh_for", "fragments", name) and not written.says("fresh_for", "defaults"):
            message = 'missing key; expected: how long an answer is fresh, such as "60s", here or in [defaults]'
            yield written.mistake("fragments", name, "fresh_for", message)


def _mbu_names(written: Written) -> Found:
    known = written.names("mbus")
    for name, fragment in written.sound("fragments", "mbu").items():
        if fragment.mbu not in known:
            yield written.unknown(("fragments", name, "mbu"), "MBU", fragment.mbu, known)


def _tags(written: Written) -> Found:
    for name, fragment in written.sound("fragments", "path").items():
        known = tuple(
            name for text in (fragment.path, *fragment.headers.values()) for name in Template.parse(text).names
        )
        for at, tag in enumerate(fragment.tags):
            for placeholder in Template.parse(tag).names:
                if placeholder not in known:
                    message = f"{{{placeholder}}} is no input of the fragment, whose path has {_placeholders(known)}"
                    yield written.mistake("fragments", name, f"tags[{at}]", message, near(placeholder, known))


def _learned_tags(written: Written) -> Found:
    for name, fragment in written.right.fragments.items():
        if fragment.tags_from_prefix and not written.says("tags_from", "fragments", name):
            message = "stands before tags found in the payload; expected: tags_from, which says where those are"
            yield written.mistake("fragments", name, "tags_from_prefix", message)


def _paths(written: Written) -> Found:
    taken = {Route.parse(path).shape: f"the reserved path {path}" for path in RESERVED_PATHS}
    for name, screen in written.sound("screens", "path").items():
        shape = Route.parse(screen.path).shape
        if shape in taken:
            yield written.mistake("screens", name, "path", f"takes the same requests as {taken[shape]}")
        taken.setdefault(shape, f"[screens.{quoted(name)}], {screen.path}")


def _placeholders(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names) or "no placeholder"

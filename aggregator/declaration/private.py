"""The checks of what is a viewer's own: it needs a way to tell viewers, and no secret stands where many can see it."""

from collections.abc import Iterator

from aggregator.declaration.tables import FragmentTable
from aggregator.declaration.written import Written, inputs_of
from aggregator.mistakes import Mistake
from aggregator.model.inputs import default_text
from aggregator.model.route import Parameter
from aggregator.model.source import REQUEST_PARTS
from aggregator.model.template import Template

Found = Iterator[Mistake]
NO_VIEWER = "nothing says how a viewer's token is verified; expected: [[viewer.keys]]"
# What tells who somebody is: it is seen as the viewer, as a cookie by name, or handed on, and never as plain text.
_CREDENTIALS = {
    "authorization": 'the claims of a token are {viewer.NAME}, and forward = ["authorization"] hands it on',
    "proxy-authorization": "it is meant for a proxy",
    "cookie": 'cookies = ["NAME"] takes one of them, as {cookie.NAME}',
}


def check_private(written: Written) -> Found:
    """All mistakes with viewers, credentials and request parts in fragments and screens."""
    for name, table in written.sound("fragments", "path").items():
        yield from _fragment(written, name, table)
    for name, screen in written.right.screens.items():
        for at, header in enumerate(screen.headers):
            if header in _CREDENTIALS:
                message = f"{header} holds a credential: {_CREDENTIALS[header]}"
                yield written.mistake("screens", name, f"headers[{at}]", message)
        if not screen.cache_headers and screen.client_max_age is not None:
            told = "tells each client how old its answer is, and cache_headers = false is to tell nobody"
            yield written.mistake("screens", name, "client_max_age", f"{told}; expected: one of the two")
        for parameter, query in screen.query.items():
            if query.default is not None and default_text(Parameter(parameter, query.type), query.default) is None:
                message = f"is not of the type {query.type}"
                yield written.mistake("screens", name, f"query.{parameter}.default", message)


def _fragment(written: Written, name: str, table: FragmentTable) -> Found:
    viewers = written.says("viewer")
    if table.forward and not viewers:
        yield written.mistake("fragments", name, "forward", f"makes it private to viewers, and {NO_VIEWER}")
    for placeholder in inputs_of(table):
        part = placeholder.partition(".")[0]
        if part == "viewer" and not viewers:
            yield written.mistake(
                "fragments", name, "path", f"{{{placeholder}}} is a claim of viewers, and {NO_VIEWER}"
            )
        if "." in placeholder and part not in REQUEST_PARTS:
            expected = ", ".join(f"{{{one}.NAME}}" for one in REQUEST_PARTS)
            message = f"{{{placeholder}}} is no part of a request; expected a plain name, or one of {expected}"
            yield written.mistake("fragments", name, "path", message)
    for at, tag in enumerate(table.tags):
        for placeholder in Template.parse(tag).names:
            if placeholder.startswith("cookie."):
                message = f"{{{placeholder}}} may be a secret, and tags are seen by all who read the log"
                yield written.mistake("fragments", name, f"tags[{at}]", message)
    for header in table.forward:
        if header in table.headers:
            yield written.mistake(
                "fragments", name, "forward", f"{header} is set by headers, too; expected: one of the two"
            )

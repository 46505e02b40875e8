"""An address is what L1 finds a view by: its target as clients write it, and what of the headers decides behind it."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote, quote_plus

from aggregator.model.fragment import FORWARDED, SUBJECT
from aggregator.model.inputs import InputMistake, Inputs, read_query
from aggregator.model.keys import canonical, parts_of
from aggregator.model.route import Parameter, Route, Routes
from aggregator.model.screen import Screen

# What clients leave as it is in a path segment (RFC 3986, section 3.3).
_PLAIN = "!$&'()*+,;=:@"
# A hash stands for these in an address.
_SECRET = ("cookie.", FORWARDED)
Signature = tuple[str, ...]
_NONE: Signature = ()


class Addresses:
    """reserved: paths that are no screen's, whatever is declared.

    A request whose target is an address, and whose headers give the suffix behind it, is one for that view, so that it
    is found without being taken apart. Where another route takes that target, and where a query that decides nothing
    has to be there, the address begins with a blank, which no target does.

    known: signatures that have their numbers already, so that addresses go on to mean what they meant.
    signatures: what of the headers decides, of each screen that has anything of that kind, the empty one first; and
    those known. used: the numbers of those that some screen has.
    """

    def __init__(
        self, screens: Iterable[Screen], reserved: Iterable[str] = (), known: Sequence[Signature] = (_NONE,)
    ) -> None:
        screens = list(screens)
        never = [Route.parse(path) for path in reserved]
        self._screens = {screen.name: screen for screen in screens}
        self._routes = Routes(screens)
        self.signatures: list[Signature] = list(dict.fromkeys([*known, *map(signature, screens)]))
        self._numbers = {screen.name: self.signatures.index(signature(screen)) for screen in screens}
        self.used = frozenset(self._numbers.values())
        self._incomplete = {screen.name for screen in screens if _needs_more(screen)}
        self._rivals = {
            screen.name: [*never, *(other.route for other in screens if _wins(other.route, screen.route))]
            for screen in screens
        }

    def of(self, screen: Screen, inputs: Inputs) -> bytes:
        """The address of a screen's view for these inputs; two views have two."""
        path = _path(screen, inputs)
        target = (path + _query(screen, inputs)).encode()
        blank = screen.name in self._incomplete or self._is_taken(screen, path.encode())
        before = f" {screen.name} ".encode() if blank else b""
        return before + target + self.suffix(self._numbers[screen.name], inputs)

    def find(self, address: bytes) -> tuple[Screen, Inputs] | None:
        """The screen and the inputs of the view with this address; None as in `inputs`."""
        screen = self.screen(address)
        inputs = self.inputs(screen, address) if screen else None
        return (screen, inputs) if screen and inputs else None

    def screen(self, address: bytes) -> Screen | None:
        """The screen that a view with this address is of; None where there is none."""
        if address.startswith(b" "):
            return self._screens.get(address.split(b" ", 2)[1].decode(errors="replace"))
        found = self._routes.find(address.partition(b" ")[0].partition(b"?")[0])
        return found[0] if found else None

    def inputs(self, screen: Screen, address: bytes) -> Inputs | None:
        """The inputs that decide the view with this address; None where it is no view's of this screen, where a secret
        decides it, of which an address has only a hash, and where it does not tell whose claims decide it."""
        names = signature(screen)
        if not tells_all(screen):
            return None
        parts = told_behind(address)
        values = _asked(screen, target_in(address, screen))
        if values is None or parts is None or len(parts) != len(names):
            return None
        values.update(zip(names, parts, strict=True))
        inputs = Inputs(values, subject=values.get(SUBJECT))
        # What is not written as `of` writes it is no address of anything.
        return inputs if self.of(screen, inputs) == address else None

    def alike(self, screen: Screen, other: "Addresses") -> bool:
        """Have the views of a screen, which both know, the same addresses there as here?"""
        return set(self._rivals[screen.name]) == set(other._rivals[screen.name])

    def suffix(self, number: int, inputs: Inputs) -> bytes:
        """What stands behind a target where the signature of this number decides, too."""
        names = self.signatures[number]
        return b" %d " % number + canonical([inputs.mark(name) for name in names]) if names else b""

    def _is_taken(self, screen: Screen, path: bytes) -> bool:
        rivals = self._rivals[screen.name]
        return bool(rivals) and any(
            len(rival.segments) == len(screen.route.segments) and rival.match(path[1:].split(b"/")) is not None
            for rival in rivals
        )


def tells_all(screen: Screen) -> bool:
    """Do the addresses of its views tell all that decides them, and whose they are?"""
    names = signature(screen)
    return not any(name.startswith(_SECRET) for name in names) and (not screen.claims or SUBJECT in names)


def target_in(address: bytes, screen: Screen) -> bytes:
    """The path and query in the address of a screen's view."""
    return address.removeprefix(f" {screen.name} ".encode()).partition(b" ")[0]


def told_behind(address: bytes) -> list[str] | None:
    """What stands behind the target in an address: what of the headers decides the view, or what stands for it; None
    if it cannot be read."""
    if address.startswith(b" "):
        address = address[1:].partition(b" ")[2]
    suffix = address.partition(b" ")[2]
    return parts_of(suffix.partition(b" ")[2])


def signature(screen: Screen) -> Signature:
    """The inputs that come from the request's headers, by name."""
    return tuple(name for name in screen.inputs if "." in name and not name.startswith("query."))


def _asked(screen: Screen, target: bytes) -> dict[str, str] | None:
    """The values that a target gives what of path and query decides a view; None if it is none of the screen's."""
    path, _, query = target.partition(b"?")
    segments = path[1:].split(b"/")
    found = screen.route.match(segments) if len(segments) == len(screen.route.segments) else None
    deciding = [one for one in screen.queries if f"query.{one.parameter.name}" in screen.used]
    try:
        return None if found is None else {**found, **read_query(deciding, query)}
    except InputMistake:
        return None


def _needs_more(screen: Screen) -> bool:
    """Is there a query that has to be given, though nothing depends on it?"""
    return any(query.default is None and f"query.{query.parameter.name}" not in screen.used for query in screen.queries)


def _wins(other: Route, route: Route) -> bool:
    """Does a target that both take go to the other one, as `Routes` decides?"""
    if other is route or len(other.segments) != len(route.segments):
        return False
    return _order(other) < _order(route)


def _order(route: Route) -> list[bool]:
    return [isinstance(segment, Parameter) for segment in route.segments]


def _path(screen: Screen, inputs: Inputs) -> str:
    return "".join(
        "/" + (segment if isinstance(segment, str) else quote(inputs.values[segment.name], safe=_PLAIN))
        for segment in screen.route.segments
    )


def _query(screen: Screen, inputs: Inputs) -> str:
    pairs = [
        f"{quote_plus(query.parameter.name)}={quote_plus(inputs.values[name])}"
        for query in screen.queries
        if (name := f"query.{query.parameter.name}") in screen.used and inputs.values[name] != query.default
    ]
    return "?" + "&".join(pairs) if pairs else ""

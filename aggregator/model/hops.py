"""Hops are the loads of ours that a request has come through, so that a screen that reaches itself is stopped."""

from collections.abc import Container
from dataclasses import dataclass

from aggregator.model.screen import Screen

HEADER = "cdn-loop"
MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Hops:
    """A CDN-Loop field (RFC 8586), as far as it is ours: `<us>;screen=<screen>;fragment=<fragment>, …`.

    us: the pseudonym of this fleet. screen: the one that is being composed. before: screen and fragment of each member
    of ours that came in. Nothing else of the field is handed on: it is a client's text, and a load is made for many.
    """

    us: str
    screen: str
    before: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, us: str, screen: str, field: str, declared: Container[tuple[str, str]]) -> "Hops":
        """What a request for a screen has come through. field: its CDN-Loop lines, joined. declared: the pairs of
        screen and fragment that there are; a member that names no such pair is none of ours."""
        found = [_pair(us, member) for member in field.split(",") if us in member]
        return cls(us, screen, tuple(pair for pair in found if pair in declared))

    def loop(self, screen: Screen) -> str | None:
        """Why composing the screen would go round in a circle, if so: it, or a fragment of it, is being loaded by a
        load that this request has come through, and would wait for itself."""
        if len(self.before) > MAX_HOPS:
            return f"it came through more than {MAX_HOPS} loads of this service"
        fragments = {name for _, name in pairs_of(screen)}
        for other, fragment in self.before:
            if other == screen.name or fragment in fragments:
                return f"it came from the load of {fragment} for the screen {other}"
        return None

    def header(self, fragment: str) -> str:
        """The field that a load of `fragment` is sent with."""
        came_by = "".join(f"{self.us};screen={screen};fragment={name}, " for screen, name in self.before)
        return f"{came_by}{self.us};screen={self.screen};fragment={fragment}"


NOWHERE = Hops("", "")


def pairs_of(screen: Screen) -> set[tuple[str, str]]:
    """The screen with each fragment that is loaded for it."""
    fragments = [one for slot in screen.slots for one in (slot.fragment, slot.fallback_fragment) if one]
    return {(screen.name, fragment.name) for fragment in fragments}


def _pair(us: str, member: str) -> tuple[str, str]:
    name, *parameters = (part.strip() for part in member.split(";"))
    told = {key.strip(): value.strip() for key, _, value in (one.partition("=") for one in parameters)}
    return (told.get("screen", ""), told.get("fragment", "")) if name == us else ("", "")

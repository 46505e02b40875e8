"""Hops are the loads of ours that a request has come through, so that a screen that reaches itself is stopped."""

from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.model.screen import Screen

HEADER = "cdn-loop"
MAX_HOPS = 8


@dataclass(frozen=True, slots=True)
class Hops:
    """A CDN-Loop field (RFC 8586), as far as it is ours: `<us>;screen=<screen>;fragment=<fragment>, …`.

    us: the pseudonym of this fleet. screen: the one that is being composed. before: the field's members of ours, as
    they came in; those of others are not handed on, as a load is made for many requests.
    """

    us: str
    screen: str
    before: tuple[str, ...] = ()

    @classmethod
    def read(cls, us: str, screen: str, field: str) -> "Hops":
        """What a request for a screen has come through. field: its CDN-Loop lines, joined."""
        members = (member.strip() for member in field.split(","))
        return cls(us, screen, tuple(member for member in members if member.partition(";")[0].strip() == us))

    def loop(self, screen: Screen) -> str | None:
        """Why composing the screen would go round in a circle, if so: it, or a fragment of it, is being loaded by a
        load that this request has come through, and would wait for itself."""
        if len(self.before) > MAX_HOPS:
            return f"it came through more than {MAX_HOPS} loads of this service"
        fragments = {slot.fragment.name for slot in screen.slots}
        for member in self.before:
            told = dict(_parameters(member))
            if told.get("screen") == screen.name or told.get("fragment") in fragments:
                return f"it came from the load of {told.get('fragment')} for the screen {told.get('screen')}"
        return None

    def header(self, fragment: str) -> str:
        """The field that a load of `fragment` is sent with."""
        return ", ".join([*self.before, f"{self.us};screen={self.screen};fragment={fragment}"])


NOWHERE = Hops("", "")


def _parameters(member: str) -> Iterator[tuple[str, str]]:
    for parameter in member.split(";")[1:]:
        name, _, value = parameter.partition("=")
        yield name.strip(), value.strip()

"""The warnings: what will run, but probably not as it was meant."""

from collections.abc import Iterator

from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake
from aggregator.model.catalogue import Catalogue
from aggregator.units import show_duration

Found = Iterator[Mistake]


def warnings(written: Written, catalogue: Catalogue) -> tuple[Mistake, ...]:
    """All warnings on a declaration without mistakes."""
    checks = (_unused, _unread, _kept_too_long)
    return tuple(warning for one in checks for warning in one(written, catalogue))


def _unused(written: Written, catalogue: Catalogue) -> Found:
    slots = [slot for screen in catalogue.screens.values() for slot in screen.slots]
    used = {slot.fragment.name for slot in slots}
    for name in catalogue.fragments.keys() - used:
        yield written.mistake("fragments", name, "", "is used by no screen")
    asked = {fragment.mbu for fragment in catalogue.fragments.values()}
    for name in catalogue.mbus.keys() - asked:
        yield written.mistake("mbus", name, "", "is asked by no fragment")


def _unread(written: Written, catalogue: Catalogue) -> Found:
    for screen in catalogue.screens.values():
        read = {name for slot in screen.slots for name in slot.fragment.inputs}
        for parameter in screen.route.parameters:
            if parameter.name not in read:
                message = f"{{{parameter.name}}} is used by no slot, and yet every value of it is a view of its own"
                yield written.mistake("screens", screen.name, "path", message)


def _kept_too_long(written: Written, catalogue: Catalogue) -> Found:
    retention = written.right.service.log_retention
    for fragment in catalogue.fragments.values():
        if (kept := fragment.lifetime.kept_for) > retention:
            message = (
                f"is kept for up to {show_duration(kept)} (with what it may be served stale), longer than the log's "
                f"retention of {show_duration(retention)}: older entries cannot be proved current and are loaded "
                "again; expected: a shorter lifetime, or a longer log_retention in [service]"
            )
            yield written.mistake("fragments", fragment.name, "fresh_for", message)

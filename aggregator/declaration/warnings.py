"""The warnings: what will run, but probably not as it was meant."""

from collections.abc import Iterator

from aggregator.declaration.written import Written
from aggregator.mistakes import Mistake
from aggregator.model.catalogue import Catalogue
from aggregator.units import show_duration

Found = Iterator[Mistake]


def warnings(written: Written, catalogue: Catalogue) -> tuple[Mistake, ...]:
    """All warnings on a declaration without mistakes."""
    checks = (_unused, _unread, _unseen, _unshared, _several_issuers, _kept_too_long)
    return tuple(warning for one in checks for warning in one(written, catalogue))


def _unused(written: Written, catalogue: Catalogue) -> Found:
    slots = [slot for screen in catalogue.screens.values() for slot in screen.slots]
    used = {one.name for slot in slots for one in (slot.fragment, slot.fallback_fragment) if one}
    for name in catalogue.fragments.keys() - used:
        yield written.mistake("fragments", name, "", "is used by no screen")
    asked = {fragment.mbu for fragment in catalogue.fragments.values()}
    for name in catalogue.mbus.keys() - asked:
        yield written.mistake("mbus", name, "", "is asked by no fragment")


def _unread(written: Written, catalogue: Catalogue) -> Found:
    for screen in catalogue.screens.values():
        for parameter in screen.route.parameters:
            if parameter.name not in screen.used:
                message = f"{{{parameter.name}}} is used by no slot, and yet every value of it is a view of its own"
                yield written.mistake("screens", screen.name, "path", message)


def _unseen(written: Written, catalogue: Catalogue) -> Found:
    """What is declared to be seen of a request, and used by nobody, is not seen."""
    for screen in catalogue.screens.values():
        declared = {f"query.{query.parameter.name}": "query" for query in screen.queries}
        declared |= {f"header.{name}": "headers" for name in screen.headers}
        declared |= {f"cookie.{name}": "cookies" for name in screen.cookies}
        for name, key in declared.items():
            if name not in screen.used:
                yield written.mistake("screens", screen.name, key, f"{{{name}}} is used by no slot")


def _unshared(written: Written, catalogue: Catalogue) -> Found:
    """Without a key of their own, the hashes in keys are of one start of one service."""
    for screen in catalogue.screens.values():
        secrets = [name for name in screen.inputs if name.startswith(("cookie.", "forward."))]
        if secrets and catalogue.hash_key is None:
            message = (
                f"what depends on {', '.join(secrets)} is shared with no other machine, and with no later start; "
                "expected, where it should be: hash_key_env or hash_key_file in [viewer]"
            )
            yield written.mistake("screens", screen.name, "", message)


def _several_issuers(written: Written, catalogue: Catalogue) -> Found:
    issuers = {key.issuer for key in catalogue.viewer_keys}
    if len(issuers) > 1:
        message = "viewers of several issuers that have one sub are one viewer here, and see one another's entries"
        yield Mistake(written.file, "viewer", "keys", message)


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

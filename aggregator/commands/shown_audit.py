"""What `aggregator check` says of audits: which views and slots are left out of them, and why."""

from collections.abc import Iterator

from aggregator.model.address import tells_all
from aggregator.model.catalogue import Catalogue


def unaudited(catalogue: Catalogue) -> Iterator[str]:
    """A line for each screen that is left out, or some slots of which are; none where nothing is audited."""
    for screen in catalogue.screens.values() if catalogue.audit.sample else ():
        bare = [slot.name for slot in screen.slots if not slot.fragment.is_tagged]
        if not tells_all(screen):
            yield f"  not {screen.name}: its addresses do not tell all that decides its views"
        elif bare:
            yield f"  not {', '.join(bare)} in {screen.name}, nor what reads that: no tags are declared"

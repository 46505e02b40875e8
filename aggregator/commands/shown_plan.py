"""The lines of a plan: the screen, its slots wave by wave, and how long it may take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from aggregator.commands.asked import depends_on_secrets, target
from aggregator.commands.check import client_age
from aggregator.commands.measured import Loads, Measured
from aggregator.commands.shown_slot import NO_KEY, SlotLines, line
from aggregator.commands.spoken import about, exact
from aggregator.commands.worst_case import loads_of, measured_case, worst_case
from aggregator.model.catalogue import Mbu
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen, Slot


@dataclass(frozen=True)
class PlanLines:
    """What is said of a request for a screen. measured: what a running service tells; None = none was asked."""

    screen: Screen
    inputs: Inputs
    mbus: Mapping[str, Mbu]
    namespace: str
    measured: Measured | None

    def __iter__(self) -> Iterator[str]:
        yield from self._head()
        for number, wave in enumerate(self.screen.waves, 1):
            yield from ("", f"wave {number}")
            for slot in wave:
                yield from ("", *SlotLines(slot, self.mbus[slot.fragment.mbu], self.inputs, self.namespace))
                yield from self._loads(slot)
        yield ""
        yield from self._end()

    def _head(self) -> Iterator[str]:
        screen, secret = self.screen, depends_on_secrets(self.screen.inputs)
        yield f"screen {screen.name}  GET {target(screen, self.inputs)}"
        yield line("key", NO_KEY if secret else screen.key(self.namespace, screen.identity(self.inputs)).name)
        yield line("tags", f"{', '.join(screen.own_tags(self.inputs))}, and those of its slots")
        yield line("client", client_age(screen))
        yield line("deadline", exact(screen.deadline) if screen.deadline else "none but those of its MBUs")

    def _loads(self, slot: Slot) -> Iterator[str]:
        if self.measured is None:
            return
        loads = loads_of(slot, self.measured)
        yield line("measured", _took(loads) if loads else "never loaded")

    def _end(self) -> Iterator[str]:
        yield f"worst case  {worst_case(self.screen, self.mbus)}"
        if self.measured is not None:
            yield f"measured    p50 {measured_case(self.screen, self.measured, 0.5)}"
            yield f"            p99 {measured_case(self.screen, self.measured, 0.99)}"


def _took(loads: Loads) -> str:
    count = f"{loads.count} load{'s' if loads.count != 1 else ''}"
    return f"p50 {_at(loads, 0.5)}, p99 {_at(loads, 0.99)} of {count}"


def _at(loads: Loads, share: float) -> str:
    took = loads.took(share)
    return f"{about(took)}{' or more' if took >= loads.longest else ''}"

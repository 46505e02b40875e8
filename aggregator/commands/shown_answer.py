"""What workers tell of one answer, as lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from aggregator.commands.spoken import exact

Told = Mapping[str, Any]


def answer_lines(told: Told) -> Iterator[str]:
    """All of it; a block a worker."""
    for worker in told["workers"]:
        if "unanswered" in worker:
            yield f"worker {worker['pid']}  {worker['unanswered']}"
            continue
        answer = worker["answer"]
        loads = f", loading {', '.join(answer['loads'])}" if answer["from"] == "mbu" and answer["loads"] else ""
        yield f"worker {worker['pid']}  {answer['screen']} would come from {_PLACES[answer['from']]}{loads}"
        yield from _log(answer["log"])
        yield from _l1(answer["l1"])
        yield from _entry("L2", answer["l2"])
        for slot in answer["slots"]:
            yield from _slot(slot)


_PLACES = {"l1": "L1", "l2": "L2", "mbu": "its MBUs"}


def _log(log: Told) -> Iterator[str]:
    vouching = "at the head of the log" if log["vouching"] else "cannot prove to be at the head of the log"
    yield f"  log  {vouching}; head {log['head']}, barrier {log['barrier']}, floor {log['floor']}"


def _l1(l1: Told) -> Iterator[str]:
    word = "hit" if l1["hit"] else "no hit"
    yield f"  L1  {word}: {l1['why']}{_age(l1) if l1['held'] else ''}{_heat(l1)}"
    yield from _details(l1)


def _slot(slot: Told) -> Iterator[str]:
    will = ", would be loaded" if slot["loads"] else ""
    why = f": {slot['why']}" if slot["why"] else ""
    yield f"  slot {slot['slot']}  fragment {slot['fragment']} of {slot['mbu']}{will}{why}"
    for entry in slot["entries"]:
        for line in _entry("L2", entry):
            yield f"  {line}"


def _entry(place: str, entry: Told) -> Iterator[str]:
    why = f": {entry['why']}" if entry.get("why") else ""
    absent = ", there is nothing" if entry.get("absent") else ""
    yield f"  {place}  {entry['standing']}{absent}{why}{_age(entry) if 'age' in entry else ''}"
    yield f"    key {entry['key']}"
    yield from _details(entry)


def _age(kept: Told) -> str:
    left = kept["fresh_for_another"]
    fresh = f"fresh for {_seconds(left)} more" if left > 0 else f"fresh until {_seconds(-left)} ago"
    return f"; {_seconds(kept['age'])} old, {fresh}"


def _heat(l1: Told) -> str:
    return f"; heat {l1['heat']:g} (decayed reads)" if l1["held"] else ""


def _details(kept: Told) -> Iterator[str]:
    if "position" not in kept:
        return
    lifetime = ", ".join(f"{name} {_seconds(seconds)}" for name, seconds in kept["lifetime"].items() if seconds)
    yield f"    position {kept['position']}{' (below the barrier)' if kept.get('below_barrier') else ''}; {lifetime}"
    yield f"    tags {', '.join(kept['tags'])}"
    for one in kept["overtaken_by"]:
        yield f"    overtaken by {one['tag']} at {one['position']}, {_seconds(one['ago'])} ago"


def _seconds(seconds: float) -> str:
    return exact(round(seconds, 1 if seconds >= 1 else 3))

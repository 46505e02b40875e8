"""The checks of batches: a call for many differs from a call for one in a single input."""

from collections.abc import Iterator

from aggregator.declaration.tables import BatchTable, FragmentTable
from aggregator.declaration.written import Written, inputs_of, varying_inputs
from aggregator.mistakes import Mistake, near
from aggregator.model.template import Template

IDS = "ids"


def check_batches(written: Written) -> Iterator[Mistake]:
    """All mistakes in batches."""
    for name, table in written.sound("fragments", "path").items():
        if table.batch:
            for key, message, near_miss in _batch(table, table.batch):
                yield written.mistake("fragments", name, f"batch.{key}", message, near_miss)


def _batch(table: FragmentTable, batch: BatchTable) -> Iterator[tuple[str, str, str | None]]:
    names, inputs = Template.parse(batch.path).names, inputs_of(table)
    if IDS not in names:
        yield "path", 'has no {ids}; expected: where the ids stand, such as "/articles?ids={ids}"', near(IDS, names)
    if IDS in inputs:
        yield (
            "path",
            "{ids} stands for many, and is an input of the fragment, too; expected: another name for that",
            None,
        )
    for name in names:
        if name != IDS and name not in inputs:
            yield (
                "path",
                f"{{{name}}} is no input of the fragment, which has {', '.join(inputs) or 'none'}",
                near(name, inputs),
            )
    if len(varying := varying_inputs(table)) != 1:
        told = ", ".join(f"{{{name}}}" for name in varying) or "none"
        yield (
            "path",
            f"leaves {told} to vary; expected: all inputs of the fragment but one, whose values are the ids",
            None,
        )
    for key, path in (("key", batch.key), ("items", batch.items or "")):
        if "[*]" in path:
            yield key, f'"{path}" leads to many places; expected: a path without "[*]"', None

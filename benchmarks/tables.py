"""Figures as tables: for a terminal, and in Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.figures import Figure

LEAST, MOST = ", least", ", most"  # of the rounds of a ratio: told beside it, not in columns of their own


def rows(figures: Sequence[Figure]) -> list[list[str]]:
    """A head, and a row a figure; a unit that a figure has not is empty there."""
    units = dict.fromkeys(unit for one in figures for unit in one.values if not unit.endswith((LEAST, MOST)))
    return [["", *units], *([one.name, *(_cell(one.values, unit) for unit in units)] for one in figures)]


def text(table: Sequence[Sequence[str]]) -> str:
    """Names to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(_line(row, widths).rstrip() for row in table)


def markdown(table: Sequence[Sequence[str]]) -> str:
    """As `text`, for a page."""
    head, *body = table
    return "\n".join([_piped(head), _piped(["---", *["---:"] * (len(head) - 1)]), *map(_piped, body)])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *cells = (f"{cell:{'<' if first else '>'}{width}}" for first, cell, width in _numbered(row, widths))
    return "  ".join([name, *cells])


def _numbered(row: Sequence[str], widths: Sequence[int]) -> Iterable[tuple[bool, str, int]]:
    return ((number == 0, cell, width) for number, (cell, width) in enumerate(zip(row, widths, strict=True)))


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(values: dict[str, float], unit: str) -> str:
    if unit not in values:
        return ""
    least, most = values.get(unit + LEAST), values.get(unit + MOST)
    between = (
        f" ({rounded(least)} to {rounded(most)})" if least is not None and most is not None and least != most else ""
    )
    return rounded(values[unit]) + between


def rounded(value: float) -> str:
    """Two or three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2g}"

"""`python -m benchmarks readme`: the tables of README.md and benchmarks/README.md, made from the results.

A table stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`; what else the page says is left alone.
`peers in short` has one row of each peer and way.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, Results, read
from benchmarks.tables import markdown, rows

_HERE = Path(__file__).parent
PAGES = (_HERE.parent / "README.md", _HERE / "README.md")
_VARIANTS = (", 304", "header blocks", "token of each viewer", ", gzip", ", br")
_MARKED = re.compile(r"(<!-- figures: (?P<name>[\w ]+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def rewrite() -> list[Path]:
    """The pages that had marks; KeyError if one names a table that was not measured."""
    made = {name: _page(results, figures) for results in read().values() for name, figures in _tables(results)}
    return [page for page in PAGES if _rewrite(page, made)]


def _tables(results: Results) -> Iterator[tuple[str, list[Figure]]]:
    for name, figures in results.tables().items():
        yield name, figures
        yield f"{name} in short", [one for one in figures if not any(variant in one.name for variant in _VARIANTS)]


def _rewrite(page: Path, made: dict[str, str]) -> bool:
    text = page.read_text()
    page.write_text(_MARKED.sub(lambda mark: f"{mark[1]}{made[mark['name']]}\n{mark[3]}", text))
    return bool(_MARKED.search(text))


def _page(results: Results, figures: list[Figure]) -> str:
    told, machine = results.circumstances, results.circumstances["machine"]
    state = f"{told['commit'][:10]}{' and changes' if told['changed_since'] else ''}"
    where = f"{machine['cpu']}, {machine['cores']} cores, Python {told['python']}"
    return f"{markdown(rows(figures))}\n\nMeasured {told['at'][:10]} at {state}; {where}."

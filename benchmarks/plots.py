"""`python -m benchmarks plots`: results as pictures, in benchmarks/results."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import RESULTS, Figure, read

OURS, OTHERS = "#c44e52", "#8c8c8c"
INSTALL = ".venv/bin/pip install --editable '.[bench]'"


def why_missing() -> str | None:
    """The command that installs what is needed, if it is not here."""
    return None if importlib.util.find_spec("matplotlib") else INSTALL


def draw() -> list[Path]:
    """Of everything that was measured and can be drawn."""
    tables = {name: figures for results in read().values() for name, figures in results.tables().items()}
    drawn = []
    if peers := tables.get("peers"):
        drawn += [_bars(peers, "µs of processor", "peers-processor"), _bars(peers, "requests/s", "peers-requests")]
    if latencies := tables.get("latency"):
        drawn.append(_curves(latencies, "latency"))
    return drawn


def _bars(figures: Sequence[Figure], unit: str, name: str) -> Path:
    """Logarithmic, as they are of many orders; the service's own stand out."""
    plot, axes = _empty(7, 0.25 * len(figures) + 0.8)
    names, values = [one.name for one in figures], [one.values[unit] for one in figures]
    bars = axes.barh(names, values, color=[OURS if one.startswith("this") else OTHERS for one in names])
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=7)
    axes.set(xscale="log", xlabel=f"{unit} a request" if unit.startswith("µs") else unit)
    axes.margins(x=0.15)
    axes.invert_yaxis()
    return _save(plot, name)


def _curves(figures: Sequence[Figure], name: str) -> Path:
    """By how rare a wait is: each step to the right is ten times rarer."""
    plot, axes = _empty(7, 4)
    for one in figures:
        rarity = [1 / (1 - share) for _, share in one.curve if share < 1]
        axes.plot(rarity, [took for took, share in one.curve if share < 1], label=one.name)
    ticks = {1: "0", 10: "90 %", 100: "99 %", 1_000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"}
    axes.set(xscale="log", yscale="log", xlabel="of the answers took at most", ylabel="ms")
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.legend(fontsize=7)
    return _save(plot, name)


def _empty(width: float, height: float) -> tuple[Any, Any]:
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file, and its texts stay texts.
    matplotlib.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 8})
    from matplotlib import pyplot

    plot, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    return plot, axes


def _save(plot: Any, name: str) -> Path:
    file = RESULTS / f"{name}.svg"
    plot.savefig(file, metadata={"Date": None})
    return file

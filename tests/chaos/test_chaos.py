"""Whatever fails, no answer is wrong unmarked, and screens that are kept go on being served."""

import pytest

from tests.chaos.run import run
from tests.scale import scale

SECONDS = 60


@pytest.mark.prove
@pytest.mark.timeout(SECONDS + 240)
@pytest.mark.parametrize("seed", range(scale(1, 20)))
def test_r05_r40_r51_four_workers_are_right_whatever_fails(seed: int) -> None:
    """Publishers with versions, readers at every worker, faults by a seed: of these rows first, then of others."""
    report = run(seed, SECONDS)
    print(*report.lines, sep="\n")
    assert not report.wrong, "\n".join([*report.lines, *report.wrong])
    if report.refused:
        pytest.skip(report.refused)

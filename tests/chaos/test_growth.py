"""What grows for long enough is found; what only comes and goes is not."""

import pytest

from tests.chaos.growth import Sample, judged_growth


def samples(seconds: int, memory: float = 0.0, descriptors: float = 0.0) -> list[Sample]:
    """A worker that takes so much more in ten minutes, and 20 MB more on each tenth second."""
    return [
        Sample(at, int(50e6 + memory * at / 600 + 20e6 * (at % 10 == 0)), int(40 + descriptors * at / 600))
        for at in range(seconds)
    ]


@pytest.mark.parametrize(
    ("taken", "wrong"),
    [
        (samples(1_200), False),
        (samples(1_200, memory=2e6), True),
        (samples(1_200, descriptors=10), True),
        (samples(800, memory=2e6), False),  # too short to tell
        (samples(30), False),
    ],
)
def test_r53_growth_is_found_by_its_slope(taken: list[Sample], wrong: bool) -> None:
    """A warm-up is left out, and nothing is judged that is over in less than ten minutes."""
    assert bool(judged_growth(0, taken).wrong) is wrong


def test_r53_what_is_taken_while_warming_up_does_not_count() -> None:
    """Caches fill."""
    warming = [Sample(at, at * 1_000_000, at) for at in range(300)]
    assert not judged_growth(0, [*warming, *(Sample(at, 300_000_000, 300) for at in range(300, 1_200))]).wrong

"""The ledger never claims more than a plain list of all invalidations would, and as much where nothing was dropped."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.ledger import Ledger
from aggregator.model.position import Position, epoch_in, ms_of, position_of

TAGS = st.sampled_from("abcdef")
TAG_LISTS = st.lists(TAGS, max_size=3)
APPLY = st.tuples(st.just("apply"), TAG_LISTS)
FORGET = st.tuples(st.just("forget"), st.integers(0, 40))
LOSE = st.tuples(st.just("lose"), TAG_LISTS)
EPOCH = st.tuples(st.just("epoch"), st.none())


@dataclass
class Everything:
    """All that was ever appended, whether the ledger was told or not."""

    appended: list[tuple[Position, list[str]]] = field(default_factory=list)
    now: Position = field(default_factory=lambda: position_of(1, 0, 0))

    def overtaken(self, tags: list[str], position: Position) -> bool:
        return any(at > position and set(named) & set(tags) for at, named in self.appended)

    def append(self, tags: list[str]) -> Position:
        self.now = Position(self.now + 2**64)
        self.appended.append((self.now, tags))
        return self.now


def play(steps: list[tuple[str, object]], ledger: Ledger) -> Everything:
    """Run the steps on both."""
    truth = Everything()
    ledger.begin_epoch(epoch_in(truth.now))
    for kind, value in steps:
        match kind, value:
            case "apply", list(tags):
                ledger.apply(truth.append(tags), tags)
            case "lose", list(tags):
                ledger.lose(truth.append(tags))
            case "forget", int(ms):
                ledger.forget_before(min(ms, ms_of(truth.now)))
            case "epoch", None:
                truth.append(list("abcdef"))  # who knows what was lost with the old one
                truth.now = position_of(epoch_in(truth.now) + 1, 0, 0)
                ledger.begin_epoch(epoch_in(truth.now))
    return truth


def stamps(truth: Everything) -> list[Position]:
    """Every position at which something may have been stamped."""
    return [position_of(0, 0, 0), position_of(1, 0, 0), *(at for at, _ in truth.appended), truth.now]


@given(steps=st.lists(APPLY | FORGET | LOSE | EPOCH, max_size=40), capacity=st.integers(1, 6), tags=TAG_LISTS)
def test_nothing_overtaken_is_ever_called_current(
    steps: list[tuple[str, object]], capacity: int, tags: list[str]
) -> None:
    """However little it may keep, and whatever it was not told."""
    ledger = Ledger(capacity)
    truth = play(steps, ledger)
    assert len(ledger) <= capacity
    for position in stamps(truth):
        assert not (ledger.current(tags, position) and truth.overtaken(tags, position))


@given(steps=st.lists(APPLY, max_size=40), tags=TAG_LISTS)
def test_a_ledger_that_dropped_nothing_is_exact(steps: list[tuple[str, object]], tags: list[str]) -> None:
    """It calls current all that a plain list of the invalidations does."""
    ledger = Ledger()
    truth = play(steps, ledger)
    for position in stamps(truth)[1:]:
        assert ledger.current(tags, position) is not truth.overtaken(tags, position)


@given(steps=st.lists(APPLY | FORGET, max_size=40), capacity=st.integers(1, 6))
def test_the_floor_is_never_above_what_was_dropped(steps: list[tuple[str, object]], capacity: int) -> None:
    """What is stamped at the head is current at once, and the barrier stays: L1 was told of everything."""
    ledger = Ledger(capacity)
    truth = play(steps, ledger)
    assert ledger.floor <= ledger.head == truth.now
    assert ledger.current(list("abcdef"), ledger.head)
    assert ledger.barrier == position_of(1, 0, 0)


@given(steps=st.lists(APPLY | LOSE, max_size=30), since=st.integers(0, 30), tags=TAG_LISTS)
def test_a_waiter_never_accepts_what_was_overtaken_before_it_asked(
    steps: list[tuple[str, object]], since: int, tags: list[str]
) -> None:
    """A load that it accepts saw every invalidation that its own process had applied when it asked."""
    ledger = Ledger()
    truth = play(steps, ledger)
    asked = position_of(1, min(since, ms_of(truth.now)), 0)
    before = Everything([one for one in truth.appended if one[0] <= asked])
    for position in stamps(truth):
        assert not (ledger.good_for(asked, tags, position) and before.overtaken(tags, position))

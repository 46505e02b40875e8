"""Follows the log into the ledger: one loop reads, the other beats, and together they prove to be at the head."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from aggregator.clock import FleetClock
from aggregator.invalidation.hedged import hedged
from aggregator.invalidation.log import Batch, Beat, Log, LogUnavailable, Record
from aggregator.invalidation.watch import Epoch, Progress, Reading, at_head, end, epoch_of, reading, start
from aggregator.model.ledger import Ledger
from aggregator.model.position import ORIGIN, Position, ms_of, position_at, position_of, stream_id_of

PROOF_FOR = 2.0  # seconds that a process may vouch for after it was at the head
BEAT_EVERY = 0.5
BATCH = 1_000
BLOCK = 0.5
LATE = 0.1  # seconds beyond those that a read may block, after which it is asked again beside itself
RETRY_AFTER = 0.25
BEAT_AGAIN_AFTER = 0.02

Overtaken = Callable[[str, Position], None]
Notice = Callable[[str, str], None]


class Follower:
    """Keeps a ledger at the head of a log, for as long as `run` runs.

    on_overtaken: told of each tag and position, after the ledger knows it; synchronous and quick.
    on_moved: told that the ledger's head may have moved, once it knows all up to there; as quick.
    on_notice: told of what people should know: a kind ("log_away", "log_back", "epoch", "gap", "malformed") and
        words. retention: seconds that the log keeps records.
    caught_up: set once the end of the log that was seen at the start has been reached; never cleared.
    applied, gaps, malformed, epochs: how many of them there have been.
    """

    def __init__(
        self,
        log: Log,
        ledger: Ledger,
        clock: FleetClock,
        on_overtaken: Overtaken,
        *,
        on_moved: Callable[[], None] = lambda: None,
        retention: float = 3600.0,
        on_notice: Notice = lambda kind, words: None,
    ) -> None:
        self.caught_up = asyncio.Event()
        self.applied = self.gaps = self.malformed = self.epochs = 0
        self._log = log
        self._ledger = ledger
        self._clock = clock
        self._on_overtaken = on_overtaken
        self._on_moved = on_moved
        self._on_notice = on_notice
        self._retention = retention
        self._trim_at = float("-inf")
        self._own = Progress()
        self._goal = ORIGIN
        self._begun = asyncio.Event()
        self._away = False
        # Raised whenever reading starts over elsewhere, so that a read begun before is not applied after.
        self._turn = 0
        # Beats that the reader has not reached yet. More than these would be too old to prove anything.
        self._pending: deque[tuple[float, Beat]] = deque(maxlen=int(PROOF_FOR / BEAT_EVERY))

    @property
    def lag(self) -> int:
        """Records in the log that are not applied yet."""
        return self._own.lag

    async def run(self) -> None:
        """Follow until cancelled. The log being away is waited out; any other exception ends both loops."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(), name="log reader")
            group.create_task(self._beat(), name="log heart")

    async def _read(self) -> None:
        await self._begun.wait()
        block = BLOCK
        while True:
            turn = self._turn
            try:
                batch = await hedged(partial(self._log.read, stream_id_of(self._own.head), BATCH, block), block + LATE)
            except LogUnavailable:
                await asyncio.sleep(RETRY_AFTER)
                continue
            block = BLOCK if len(batch.records) < BATCH else 0.0  # behind a full one there is more, as at the start
            # 1 reader: asks for what follows id 7 of epoch A. 2 the log is lost and refilled in epoch B, ids are
            # larger. 3 heart: starts over in B, at its beginning. 4 reader: gets B's records after 7. Applied
            # now, they would be counted as B's first ones, and those would be read as if they came after.
            follows = turn != self._turn or self._read_on(batch)
            # Others get their turn between two batches of a long replay; what was lost is for the heart to find out.
            await asyncio.sleep(0 if follows else BEAT_AGAIN_AFTER)

    async def _beat(self) -> None:
        while True:
            try:
                pause = await self._pulse()
                self._note_away(None)
            except LogUnavailable as error:
                self._note_away(error)
                pause = RETRY_AFTER
            await asyncio.sleep(pause)

    async def _pulse(self) -> float:
        """One beat and what follows from it; returns the seconds until the next."""
        sent, beat = await hedged(self._sent_beat, BEAT_EVERY)
        self._clock.sample(beat.time, sent, self._clock.monotonic())
        if epoch_of(self._own, beat) is Epoch.NEEDED:
            self._ledger.proof_until = float("-inf")
            await self._log.begin_epoch(beat.epoch, self._own.epoch + 1)
            return BEAT_AGAIN_AFTER
        self._take(sent, beat)
        await self._trim(sent)
        return BEAT_EVERY

    async def _sent_beat(self) -> tuple[float, Beat]:
        sent = self._clock.monotonic()
        return sent, await self._log.beat()

    def _take(self, sent: float, beat: Beat) -> None:
        if beat.epoch is not None and epoch_of(self._own, beat) is Epoch.BEGAN:
            self._start_over(beat.epoch, beat)
        self._own.saw(beat)
        self._pending.append((sent, beat))
        self._weigh()
        if beat.first_id:
            # Not sooner, as what a lost log had overtaken is remembered while it may still stand in for a failure.
            kept_since = (self._clock.now() - self._retention) * 1000
            self._ledger.forget_before(min(ms_of(position_at(0, beat.first_id)), int(kept_since)))

    async def _trim(self, now: float) -> None:
        # Not while the oldest records are still to be replayed: this process would make itself a gap.
        if self.caught_up.is_set() and now >= self._trim_at:
            await self._log.trim(self._clock.now() - self._retention)
            self._trim_at = now + max(1.0, self._retention / 20)

    def _read_on(self, batch: Batch) -> bool:
        """Take over a batch; False if it is of another log than what was read before."""
        found = reading(self._own, batch, BATCH)
        if found is Reading.ELSEWHERE:
            return False
        self._apply(batch.records)  # what is there counts, whatever is missing beside it
        if found is Reading.GAP:
            self._skip(batch)
        self._weigh()
        return True

    def _apply(self, records: Sequence[Record]) -> None:
        start = position_of(self._own.epoch, 0, 0)
        positions = [Position(start + record.place) for record in records]
        for position, record in zip(positions, records, strict=True):
            if record.tags is None:
                self._lose(position, record)
            else:
                self._ledger.apply(position, record.tags)
                for tag in record.tags:
                    self._on_overtaken(tag, position)
        if positions:
            self._own.advance(positions)
        self.applied += len(records)

    def _weigh(self) -> None:
        """Grant the proof of every beat that the reader has reached by now.

        It counts from when the beat was sent: 1 a beat is sent, 2 the server answers, 3 the process is stopped for
        a minute, 4 tags are invalidated, 5 the process goes on and receives the answer. Counted from 5, it would
        vouch for two more seconds without knowing of 4.
        """
        for sent, beat in tuple(self._pending):
            if at_head(self._own, beat):
                self._ledger.proof_until = max(self._ledger.proof_until, sent + PROOF_FOR)
                self._pending.remove((sent, beat))
        if self._own.head >= self._goal:
            self.caught_up.set()
        self._on_moved()

    def _start_over(self, epoch: int, beat: Beat) -> None:
        beginning = start(epoch, beat)
        self._ledger.begin_epoch(epoch)
        self._ledger.lose(beginning)
        self._own.restart(beginning, beat.trimmed)
        self._goal = position_at(epoch, beat.last_id)
        self._pending.clear()
        self._turn += 1
        self.epochs += 1
        self._begun.set()
        if self.epochs > 1:  # the first is where this process came in
            self._on_notice("epoch", f"the log was lost, its epoch is {epoch} now; what was kept before is unproven")

    def _skip(self, batch: Batch) -> None:
        """Records up to the batch's end are missing, which ones cannot be known: nothing older is proved."""
        last = end(self._own.epoch, batch)
        self._ledger.lose(last)
        self._on_notice("gap", f"records are missing: {self._own.passed} read, {batch.added} appended by {last}")
        self._own.restart(last, batch.added)
        self.gaps += 1

    def _lose(self, position: Position, record: Record) -> None:
        self._ledger.lose(position)
        self.malformed += 1
        self._on_notice("malformed", f"record {record.stream_id} has no JSON array of tags; nothing older is proved")

    def _note_away(self, error: LogUnavailable | None) -> None:
        away = error is not None
        if away != self._away:
            self._away = away
            self._on_notice("log_away" if away else "log_back", str(error or ""))

"""Following the log: in virtual time on the log in memory, and once on a real server."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from aggregator.invalidation.local import LocalLog
from aggregator.invalidation.log import Batch, Beat, Log, LogUnavailable
from aggregator.invalidation.redis_stream import RedisLog
from aggregator.model.position import Position, epoch_in, ms_of, stream_id_of
from tests.following import Process, following, until
from tests.servers import valkey
from tests.virtual_time import run

FLEET = 1_700_000_000.0


def fleet_now() -> float:
    """The server's clock: a long way from this machine's monotonic one."""
    return FLEET + asyncio.get_running_loop().time()


def play(steps: Callable[[LocalLog], Coroutine[Any, Any, None]]) -> None:
    """Run the steps in virtual time on a log in memory."""

    async def main() -> None:
        await steps(LocalLog(fleet_now))

    run(main())


def test_an_invalidation_reaches_every_process_at_once() -> None:
    """The ledger knows it when L1 is told, and both know the position that the publisher got."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as one, following(log) as other:
            before = one.ledger.head
            position = await log.append(["user:1", "posts"])
            await until(lambda: len(one.overtaken) == len(other.overtaken) == 2)
            for process in (one, other):
                assert process.overtaken == [("user:1", position), ("posts", position)]
                assert process.ledger.head == position
                assert not process.ledger.current(["posts"], before)
                assert process.ledger.current(["posts"], position)
                assert process.follower.applied == 2  # the marker of the epoch is one

    play(steps)


def test_processes_that_start_together_begin_one_epoch() -> None:
    """The one that loses the race takes over the other's."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as one, following(log) as other:
            assert epoch_in(one.ledger.head) == epoch_in(other.ledger.head) > 0
            assert (await log.beat()).added == 1

    play(steps)


def test_the_fleets_clock_is_taken_from_the_heartbeat() -> None:
    """This machine's own wall clock does not matter."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            assert process.clock.now() == pytest.approx(fleet_now(), abs=0.01)

    play(steps)


def test_r05_proof_ends_two_seconds_after_the_log_went_away_and_returns_within_one() -> None:
    """It counts from the last beat that was answered, and needs nobody to start anything again."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            await asyncio.sleep(5)
            assert process.vouches
            log.down = True
            await asyncio.sleep(2.0)
            assert not process.vouches
            await asyncio.sleep(60)
            log.down = False
            await asyncio.sleep(1.0)
            assert process.vouches
            assert process.notices == ["log_away", "log_back"]
            position = await log.append(["user:1"])
            await until(lambda: process.ledger.head == position)
            assert process.follower.gaps == 0

    play(steps)


def test_proof_lasts_as_long_as_the_log_answers() -> None:
    """Without any invalidation too."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            for _ in range(100):
                await asyncio.sleep(0.1)
                assert process.vouches

    play(steps)


class Slow:
    """A log whose answers take a while to arrive, after the server has given them."""

    def __init__(self, inner: Log) -> None:
        self.inner = inner
        self.beat_takes = self.read_takes = 0.0
        self.append, self.begin_epoch, self.trim, self.close = (
            inner.append,
            inner.begin_epoch,
            inner.trim,
            inner.close,
        )

    async def beat(self) -> Beat:
        beat = await self.inner.beat()
        await asyncio.sleep(self.beat_takes)
        return beat

    async def read(self, after: str, count: int, block: float) -> Batch:
        batch = await self.inner.read(after, count, block)
        await asyncio.sleep(self.read_takes)
        return batch


def test_proof_counts_from_when_the_beat_was_sent() -> None:
    """An answer that comes a minute later proves nothing about now."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(slow) as process:
            await asyncio.sleep(1)
            slow.beat_takes = 60.0
            began = process.clock.monotonic()
            await asyncio.sleep(0.6)  # a slow beat is under way by now
            await asyncio.sleep(59.5)
            assert not process.vouches
            await asyncio.sleep(1.5)
            assert process.ledger.proof_until < began + 3

    play(steps)


def test_a_reader_that_is_behind_vouches_again_only_when_it_has_read_on() -> None:
    """A beat that names a later record proves nothing until that record is applied."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(slow) as process:
            slow.read_takes = 10.0
            await asyncio.sleep(1)
            position = await log.append(["user:1"])
            await asyncio.sleep(3)
            assert process.ledger.head < position
            assert not process.vouches
            assert process.follower.lag == 1
            slow.read_takes = 0.0
            await until(lambda: process.ledger.head == position)
            await asyncio.sleep(0.5)
            assert process.vouches
            assert process.follower.lag == 0

    play(steps)


def test_r09_losing_everything_is_a_new_epoch_within_two_seconds() -> None:
    """Nothing that was kept before it is proved any more, in L1 neither, in no process."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as one, following(log) as other:
            old = await log.append(["user:1"])
            await until(lambda: one.ledger.head == other.ledger.head == old)
            log.flush()
            await asyncio.sleep(2.0)
            for process in (one, other):
                assert process.vouches
                assert epoch_in(process.ledger.head) > epoch_in(old)
                assert process.ledger.barrier > old
                assert not process.ledger.current(["x"], old)
                assert process.follower.epochs == 2
            assert one.ledger.head == other.ledger.head

    play(steps)


def test_a_read_begun_in_the_old_epoch_is_not_applied_in_the_new_one() -> None:
    """It would be counted among records that it does not belong to."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(slow) as process:
            slow.read_takes = 5.0
            await asyncio.sleep(1)
            log.flush()
            await log.append(["a"])  # begins the new epoch, and wakes the reader of the old one
            await asyncio.sleep(20)
            slow.read_takes = 0.0
            await asyncio.sleep(6)
            assert process.vouches
            assert process.follower.gaps == 0
            assert stream_id_of(process.ledger.head) == (await log.beat()).last_id

    play(steps)


def test_what_a_beat_of_the_old_epoch_counted_means_nothing_in_the_new_one() -> None:
    """Records that the reader had not reached yet are not missing from the new epoch."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(slow) as process:
            slow.read_takes = 0.7
            for _ in range(10):
                await log.append(["lost"])
                await asyncio.sleep(0.6)
                log.flush()
                await asyncio.sleep(5)
            assert process.follower.epochs == 11
            assert process.follower.gaps == 0

    play(steps)


def test_a_process_that_has_seen_the_loss_vouches_no_more() -> None:
    """Even if it can do nothing about it yet."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            await asyncio.sleep(1)
            log.flush()
            log.begin_epoch = _away  # type: ignore[method-assign]
            await asyncio.sleep(0.6)
            assert not process.vouches

    play(steps)


async def _away(unlike: int | None, at_least: int) -> None:
    raise LogUnavailable("begin_epoch: as told")


def test_a_new_epoch_is_later_though_the_servers_clock_went_back() -> None:
    """What was stamped in the old one must not look newer."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            old = process.ledger.head
            log._now = lambda: fleet_now() - 86_400
            log.flush()
            await asyncio.sleep(2)
            assert process.ledger.head > process.ledger.floor > old
            assert process.vouches

    play(steps)


def test_a_reader_that_is_a_little_behind_all_the_time_still_vouches() -> None:
    """Each beat is proof once its own last record is applied, though there are later ones by then."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(slow) as process:
            slow.read_takes = 0.7
            await asyncio.sleep(2)
            for number in range(200):
                await log.append([f"user:{number}"])
                await asyncio.sleep(0.1)
                assert process.vouches
            assert process.follower.gaps == 0

    play(steps)


def test_r09_a_log_that_went_back_to_an_older_state_is_a_new_epoch() -> None:
    """Fewer records than before, under the same epoch record."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            last = await log.append(["user:1"])
            await asyncio.sleep(1)
            log._records.pop()
            log._added -= 1
            await asyncio.sleep(2)
            assert process.vouches
            assert epoch_in(process.ledger.head) > epoch_in(last)

    play(steps)


def test_a_record_gone_before_it_was_read_is_a_gap() -> None:
    """Nothing older is proved any more; what comes after is followed as ever."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            await asyncio.sleep(1)
            before = process.ledger.head
            log.lose_next = 1
            lost = await log.append(["user:1"])
            await asyncio.sleep(1)
            assert process.follower.gaps == 1
            assert process.ledger.barrier >= before
            assert not process.ledger.current(["user:1"], Position(before - 1))
            after = await log.append(["user:2"])
            await asyncio.sleep(1)
            assert process.vouches
            assert process.ledger.head == after > lost
            assert process.follower.gaps == 1

    play(steps)


def test_a_gap_in_the_middle_raises_floor_and_barrier_over_it() -> None:
    """Redis gives what is left as if nothing had been there; the count shows it."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            await asyncio.sleep(1)
            log.lose_next = 3
            for number in range(5):
                last = await log.append([f"user:{number}"])
            await asyncio.sleep(1)
            assert process.follower.gaps == 1
            assert process.ledger.floor == process.ledger.barrier == process.ledger.head == last
            assert process.vouches

    play(steps)


def test_what_cannot_be_understood_is_a_gap_of_its_own() -> None:
    """It may have named any tag."""

    async def steps(log: LocalLog) -> None:
        async with following(log) as process:
            before = await log.append(["user:1"])
            log.garble()
            await asyncio.sleep(1)
            assert process.follower.malformed == 1
            assert process.follower.gaps == 0
            assert process.ledger.barrier == process.ledger.floor == process.ledger.head > before
            assert process.vouches
            assert "malformed" in process.notices

    play(steps)


def test_a_late_process_replays_what_is_kept_and_proves_no_more() -> None:
    """Before the first record that is still there it knows nothing; after it, everything."""

    async def steps(log: LocalLog) -> None:
        async with following(log, retention=60.0) as early:
            positions = []
            for number in range(100):
                positions.append(await log.append([f"user:{number}"]))
                await asyncio.sleep(2)
            async with following(log, retention=60.0) as late:
                assert late.ledger.head == early.ledger.head == positions[-1]
                assert positions[60] < late.ledger.floor < positions[70]
                assert early.ledger.floor <= late.ledger.floor
                assert not late.ledger.current(["user:99"], positions[98])
                assert late.ledger.current(["user:80"], positions[80])
                assert not late.ledger.current(["user:3"], positions[10])
                assert late.follower.gaps == 0

    play(steps)


def test_the_log_and_the_ledger_keep_what_the_retention_says() -> None:
    """Trimming raises the floor and not the barrier: L1 was told of all that is gone."""

    async def steps(log: LocalLog) -> None:
        async with following(log, retention=60.0) as process:
            beginning = process.ledger.barrier
            for number in range(1_000):
                await log.append([f"user:{number}"])
                await asyncio.sleep(1)
            assert 60 <= len(log._records) <= 70
            assert 60 <= len(process.ledger) <= 70
            assert ms_of(process.ledger.floor) / 1000 == pytest.approx(fleet_now() - 63, abs=6)
            assert process.ledger.barrier == beginning
            assert process.follower.gaps == 0

    play(steps)


def test_a_process_that_slept_through_the_retention_has_a_gap() -> None:
    """The others trimmed on while it was stopped."""

    async def steps(log: LocalLog) -> None:
        slow = Slow(log)
        async with following(log, retention=10.0), following(slow, retention=10.0) as process:
            await asyncio.sleep(1)
            before = process.ledger.head
            slow.read_takes = slow.beat_takes = 100.0
            await asyncio.sleep(1)
            for number in range(60):
                await log.append([f"user:{number}"])
                await asyncio.sleep(1)
            slow.read_takes = slow.beat_takes = 0.0
            await asyncio.sleep(100)
            assert process.follower.gaps == 1
            assert process.ledger.barrier > before
            assert process.vouches

    play(steps)


def test_a_long_replay_lets_others_run_between_its_batches() -> None:
    """No more than a thousand records are applied in one go."""

    async def steps(log: LocalLog) -> None:
        for number in range(5_000):
            await log.append([f"user:{number}"])
        process = Process(log)
        task = asyncio.create_task(process.follower.run())
        seen = []
        while not process.follower.caught_up.is_set():
            await asyncio.sleep(0)
            seen.append(process.follower.applied)
        task.cancel()
        assert {1_000, 2_000, 3_000, 4_000} <= set(seen)

    play(steps)


def test_a_defect_ends_the_follower_loudly() -> None:
    """Only the log being away is waited out."""

    async def steps(log: LocalLog) -> None:
        process = Process(log)
        process.follower._on_overtaken = _broken
        task = asyncio.create_task(process.follower.run())
        await process.follower.caught_up.wait()
        await log.append(["user:1"])
        with pytest.raises(ExceptionGroup) as caught:
            await task
        assert caught.group_contains(ZeroDivisionError)

    play(steps)


def _broken(tag: str, position: Position) -> None:
    raise ZeroDivisionError


def test_a_process_that_starts_while_the_log_is_away_waits_for_it() -> None:
    """It is not at the head of anything until then."""

    async def steps(log: LocalLog) -> None:
        log.down = True
        process = Process(log)
        task = asyncio.create_task(process.follower.run())
        await asyncio.sleep(10)
        assert not process.follower.caught_up.is_set()
        assert not process.vouches
        log.down = False
        await asyncio.sleep(1)
        assert process.follower.caught_up.is_set()
        assert process.vouches
        task.cancel()

    play(steps)


def test_r09_on_a_real_server_an_xadd_is_applied_and_a_flush_is_a_new_epoch(clean_redis_url: str) -> None:
    """The same, over the network: within 250 ms and within 2 s."""

    async def main() -> None:
        log, publisher = RedisLog(clean_redis_url), RedisLog(clean_redis_url)
        async with following(log) as process:
            for number in range(50):
                position = await publisher.append([f"user:{number}"])
                async with asyncio.timeout(0.25):
                    await until(lambda at=position: process.ledger.head >= at)
            first = epoch_in(process.ledger.head)
            with closing(redis.Redis.from_url(clean_redis_url)) as client:
                client.flushall()
            async with asyncio.timeout(2.0):
                await until(lambda: epoch_in(process.ledger.head) > first and process.vouches)
            assert process.follower.gaps == 0
        await log.close()
        await publisher.close()

    asyncio.run(main())


def test_r05_r09_on_a_real_server_proof_ends_with_it_and_returns_with_it(tmp_path: Path) -> None:
    """A server that comes back empty is another history, by its replication id."""

    link = tmp_path / "s"

    async def main() -> None:
        log = RedisLog(f"unix://{link}")
        process = Process(log)
        task = asyncio.create_task(process.follower.run())
        for _ in range(2):
            with valkey() as url:
                link.symlink_to(url.removeprefix("unix://"))
                async with asyncio.timeout(5):
                    await until(lambda: process.vouches)
            link.unlink()
            async with asyncio.timeout(2.5):
                await until(lambda: not process.vouches)
        assert process.follower.epochs == 2
        with pytest.raises(LogUnavailable):
            await log.beat()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await log.close()

    asyncio.run(main())

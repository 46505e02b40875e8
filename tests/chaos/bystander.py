"""`python -m tests.chaos.bystander` says when one of the cores did not run it for more than 50 ms."""

import os
import threading
import time

STEP, LAG = 0.005, 0.05


def watch(core: int) -> None:
    """One line a lag of this core: when it began and ended, monotonic seconds. Until killed."""
    os.sched_setaffinity(0, {core})  # of this thread: a core that is taken away from a machine leaves the others
    last = time.monotonic()
    while True:
        time.sleep(STEP)
        now = time.monotonic()
        if now - last > STEP + LAG:
            print(f"{last} {now}\n", end="", flush=True)
        last = now


def main() -> None:
    """One on each core."""
    for core in os.sched_getaffinity(0):
        threading.Thread(target=watch, args=[core]).start()


if __name__ == "__main__":
    main()

"""`python -m tests.chaos.bystander` says when it was not scheduled for more than 50 ms."""

import time

STEP, LAG = 0.005, 0.05


def main() -> None:
    """One line a lag: when it began and ended, monotonic seconds. Until killed."""
    last = time.monotonic()
    while True:
        time.sleep(STEP)
        now = time.monotonic()
        if now - last > STEP + LAG:
            print(last, now, flush=True)
        last = now


if __name__ == "__main__":
    main()

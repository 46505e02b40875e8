"""`aggregator plan --admin-url` shows what the loads of a running service took."""

from pathlib import Path

from tests.metrics import page
from tests.planning import plan, shown, story
from tests.running import Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
[fragments.next]
mbu = "m"
path = "/next/{part_id}"
[screens.home]
path = "/home/{id}"
slots = { part = "part", next = { fragment = "next", with = { part_id = "part.id" } } }
"""


def measured(folder: Path, mbu: Mbu, answer: bytes) -> tuple[list[str], list[str]]:
    """The `measured` line of each slot, in order, and those of the screen: of `story`, where the page is this."""
    mbu.put("/metrics", answer)
    lines = shown(story(folder, "--admin-url", f"{mbu.url}/"))
    at = next(index for index, line in enumerate(lines) if line.startswith("worst case"))
    return [line.removeprefix("  measured  ") for line in lines if line.startswith("  measured")], lines[at + 1 :]


def test_each_slot_and_the_slowest_along_the_waves_are_shown(tmp_path: Path, mbu: Mbu) -> None:
    """Of each wave the slot that took longest, which need not be the same one for p50 and p99; a fragment of another
    MBU with the same name is another one."""
    feeds = [("feeds", "feed", 0.02)] * 100
    carts = [("shop", "cart", 0.009)] * 98 + [("shop", "cart", 2.0)] * 2
    others = [("shop", "article", 0.3), ("users", "badge", 60.0), ("shop", "user", 20.0)]
    slots, screen = measured(tmp_path, mbu, page(*feeds, *carts, *others))
    assert slots == [
        "p50 20.5ms, p99 24.9ms of 100 loads",
        "never loaded",
        "p50 8.19ms, p99 2.05s of 100 loads",
        "never loaded",
        "p50 325ms, p99 398ms of 1 load",
        "p50 30s or more, p99 30s or more of 1 load",
    ]
    assert screen == [
        "measured    p50 feed 20.5ms + articles 325ms + badge 30s = 30.3s",
        "            p99 cart 2.05s + articles 398ms + badge 30s = 32.4s",
    ]


def test_a_wave_that_was_never_loaded_is_not_in_the_sum(tmp_path: Path, mbu: Mbu) -> None:
    """It is named instead."""
    _, screen = measured(tmp_path, mbu, page(("feeds", "feed", 0.0005)))
    assert screen[0] == "measured    p50 feed 0.5ms, without owner, articles, badge, never loaded"


def test_a_service_that_loaded_nothing_yet_says_so(tmp_path: Path, mbu: Mbu) -> None:
    """There is a histogram, with nothing in it."""
    slots, screen = measured(tmp_path, mbu, page())
    assert slots == ["never loaded"] * 6
    assert screen[0] == "measured    p50 without feed, theme, cart, owner, articles, badge, never loaded"


def test_pages_of_several_services_are_added(tmp_path: Path, mbu: Mbu) -> None:
    """Such as a proxy gathers; what has only noughts was never loaded."""
    one = page(("feeds", "feed", 0.02), ("feeds", "feed", 0.02))
    both = b"".join(line + line.replace(b"{", b'{instance="2",') for line in one.splitlines(keepends=True))
    slots, _ = measured(tmp_path, mbu, both)
    assert slots[0] == "p50 20.5ms, p99 24.9ms of 4 loads"
    slots, _ = measured(tmp_path, mbu, one.replace(b"} 2.0", b"} 0.0"))
    assert slots[0] == "never loaded"


def test_a_running_service_is_asked(mbu: Mbu, redis_url: str, id: str) -> None:
    """The loads of all workers, which took as long as the MBU did."""
    with Running(TEXT.replace("$MBU", mbu.url), redis_url, workers=2) as running:
        for each in range(8):
            mbu.put(f"/part/{id}{each}", {"id": f"{id}{each}"})
            mbu.put(f"/next/{id}{each}", 1, latency=0.05)
            assert running.get(f"/home/{id}{each}").json["data"]["next"] == 1
        ask = ("home", f"id={id}", "--admin-url", running.admin_url)
        until(lambda: " of 8 loads" in shown(plan(*ask, file=str(running.file)), "next")[-1], "all were counted")
        found = plan(*ask, file=str(running.file))
        p50 = shown(found, "next")[-1].split()[2]
        assert 40 < float(p50.removesuffix("ms,")) < 400
        assert shown(found, "part")[-1].endswith(" of 8 loads")
        assert shown(found)[-2].startswith("measured    p50 part ")
        refused = plan("home", f"id={id}", "--admin-url", running.url, file=str(running.file))
        assert refused.stderr.startswith(f"--admin-url: {running.url}/metrics answers 404; expected: the admin URL")

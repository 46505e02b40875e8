"""The access log has a line for a share of the requests, and is off unless that is said."""

import pytest

from tests.running import Mbu, Running, until

DECLARED = """
version = 1
defaults.fresh_for = "60s"
mbus.it = {{ url = "{url}" }}
fragments.it = {{ mbu = "it", path = "/it/{{id}}" }}
screens.home = {{ path = "/home/{{id}}", slots = {{ it = "it" }} }}
"""


def lines(running: Running) -> list[str]:
    """What was logged of requests."""
    return [line for line in running.stderr.splitlines() if '"event": "request"' in line]


@pytest.mark.parametrize("share", ["0", "1"])
def test_every_path_is_logged_or_none(mbu: Mbu, share: str) -> None:
    """Composed, from L1, and refused: each with its status and request id, and without its query."""
    mbu.put("/it/1", 1)
    with Running(DECLARED.format(url=mbu.url), flags=["--access-log", share]) as running:
        for path in ("/home/1", "/home/1", "/home/1?token=secret", "/nowhere"):
            running.get(path, {"x-request-id": "mine"})
        running.get("/healthz", {"x-request-id": "last"})
        if share == "0":
            assert lines(running) == []
            return
        until(lambda: any("last" in line for line in lines(running)), "the last line is there")
        logged = [line for line in lines(running) if '"mine"' in line]
        assert ['"/nowhere"' in line for line in logged] == [False, False, False, True]
        assert all('"status": 200' in line for line in logged[:3])
        assert '"status": 404' in logged[3]
        assert not any("secret" in line for line in logged)


def test_a_share_is_logged(mbu: Mbu) -> None:
    """About as many as were asked for."""
    mbu.put("/it/1", 1)
    with Running(DECLARED.format(url=mbu.url), flags=["--access-log", "0.5"]) as running:
        for _ in range(200):
            running.get("/home/1")
        # 200 fair coins: outside of this once in 10^9.
        assert until(lambda: 55 < len(lines(running)) < 145, "about half have a line")

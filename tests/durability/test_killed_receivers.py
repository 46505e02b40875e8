"""kill -9 of the process that takes POST /invalidations, at any moment: what it acknowledged is applied."""

import http.client
import random
import threading
import time

import orjson
import pytest

from tests.fleet import KEY
from tests.running import Mbu, Running, until
from tests.scale import scale

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
[mbus.m]
url = "$MBU"
[fragments.user]
mbu = "m"
path = "/user/{id}"
tags = ["user:{id}"]
[screens.home]
path = "/home/{id}"
slots = { user = "user" }
[publishers.proof]
key_env = "PROOF_KEY"
tags = ["*"]
"""
PUBLISHERS = 4
LONGEST = 0.1  # seconds from the first request to the kill


def acknowledged(receiver: Running, id: str) -> bool:
    """Did it say 202? Where it was killed nobody knows what came of it."""
    headers = {"authorization": f"Bearer {KEY['PROOF_KEY']}"}
    body = orjson.dumps({"tags": [f"user:{id}"]})
    try:
        return receiver.get("/invalidations", headers, "POST", body, admin=True).status == 202
    except (OSError, http.client.HTTPException):
        return False


def killed_after(receiver: Running, seconds: float, mbu: Mbu, ids: list[str]) -> list[str]:
    """Change and publish one after the other, by several publishers, until it is dead; what was acknowledged."""
    done: list[str] = []

    def publish(mine: list[str]) -> None:
        for id in mine:
            mbu.put(f"/user/{id}", "new")
            if not acknowledged(receiver, id):
                return
            done.append(id)

    threads = [threading.Thread(target=publish, args=(ids[n::PUBLISHERS],)) for n in range(PUBLISHERS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    receiver.kill()
    for thread in threads:
        thread.join()
    return done


@pytest.mark.prove
@pytest.mark.timeout(1_800)
def test_r06_what_a_killed_process_acknowledged_is_applied(clean_redis_url: str) -> None:
    """By a process that lives on, and kept it in L1, so that only an invalidation changes it."""
    points, seed = scale(8, 200), random.randrange(2**32)
    drawn = random.Random(seed)
    told = cut = 0
    with Mbu() as mbu:
        text = TEXT.replace("$MBU", mbu.url)
        with Running(text, clean_redis_url, env=KEY) as reader:
            for point in range(points):
                ids = [f"{point}-{number}" for number in range(60)]
                for id in ids:
                    mbu.put(f"/user/{id}", "old")
                    assert reader.get(f"/home/{id}").json["data"]["user"] == "old"
                with Running(text, clean_redis_url, env=KEY, namespace=reader.namespace) as receiver:
                    done = killed_after(receiver, drawn.uniform(0, LONGEST), mbu, ids)
                for id in done:
                    until(lambda id=id: reader.get(f"/home/{id}").json["data"]["user"] == "new", f"{id} is lost")
                told, cut = told + len(done), cut + (len(done) < len(ids))
    print(f"seed {seed}: {told} acknowledged and applied, {cut} of {points} receivers killed at work")
    assert told
    assert cut

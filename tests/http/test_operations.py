"""What an operator runs: two listeners with health and metrics, refusals at the start, and an end in order."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.family import living
from tests.http.raw_answers import is_problem
from tests.running import ROOT, Got, Mbu, Running, until

TEXT = """
version = 1
[defaults]
fresh_for = "60s"
deadline = "5s"
[mbus.m]
url = "$MBU"
[fragments.part]
mbu = "m"
path = "/part/{id}"
[screens.home]
path = "/home/{id}"
slots = { part = "part" }
"""
COUNTED = "screens_served mbu_loads invalidations_applied log_gaps log_epochs l1_evictions"
MEASURED = "workers_ready workers_vouching log_lag_records l1_bytes l1_views ledger_tags flights background_tasks"
LABELS = {"screen", "tier", "state", "slot", "mbu", "fragment", "outcome", "le", "where", "what"}
SAMPLE = re.compile(r"(aggregator_\w+)(?:\{(.*)\})? (\S+)")


@pytest.fixture(scope="module")
def running(mbu: Mbu) -> Iterator[Running]:
    """Two workers, with a server of their own."""
    with Running(TEXT.replace("$MBU", mbu.url), workers=2) as one:
        yield one


def samples(running: Running) -> dict[str, float]:
    """The metrics: name and labels, value."""
    lines = running.get("/metrics", admin=True).body.decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def served(running: Running) -> float:
    """Screens answered so far."""
    return sum(value for name, value in samples(running).items() if "screens_served_total" in name)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("admin", [True, False])
def test_both_listeners_tell_health(running: Running, path: str, admin: bool) -> None:
    """200 once ready, with what is lost in the body."""
    got = running.get(path, admin=admin)
    assert (got.status, got.headers["content-type"]) == (200, "application/json")
    assert got.headers["cache-control"] == "no-store"
    assert got.json == {"ready": True, "vouching": True, "when_unproven": "reload", "l2": True, "lag": 0}


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", "/invalidations"])
def test_operations_are_not_public(running: Running, path: str) -> None:
    """The public listener has screens and health, and nothing else."""
    assert is_problem(running.get(path), 404)


def test_screens_are_not_on_the_admin_listener(running: Running, mbu: Mbu, id: str) -> None:
    """The admin listener has operations only."""
    assert is_problem(running.get(f"/home/{id}", admin=True), 404)
    assert not mbu.calls[f"/part/{id}"]


def test_the_openapi_names_the_screens(running: Running) -> None:
    """What clients may ask for is described at the admin listener."""
    assert "/home/{id}" in running.get("/openapi.json", admin=True).json["paths"]


def test_metrics_are_those_of_all_workers_together(running: Running, mbu: Mbu, id: str) -> None:
    """Whichever worker answered, it is counted once; the names are those that alert rules use."""
    mbu.put(f"/part/{id}", 1)
    before = served(running)
    for _ in range(20):
        running.get(f"/home/{id}")
    assert served(running) == before + 20
    now = samples(running)
    wanted = [*(f"{name}_total" for name in COUNTED.split()), *MEASURED.split()]
    assert {f"aggregator_{name}" for name in wanted} <= {name.partition("{")[0] for name in now}
    assert (now["aggregator_workers_ready"], now["aggregator_workers_vouching"]) == (2, 2)
    loads = now['aggregator_mbu_loads_total{fragment="part",mbu="m",outcome="loaded"}']
    assert loads >= 1
    buckets = [value for name, value in now.items() if name.startswith("aggregator_mbu_load_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == now['aggregator_mbu_load_seconds_count{fragment="part",mbu="m"}'] >= loads


def test_s28_no_key_or_user_is_a_label(running: Running, mbu: Mbu, id: str) -> None:
    """Labels are names out of the declaration, and bounded words."""
    mbu.put(f"/part/{id}", 1)
    for path in (f"/home/{id}", f"/home/x{id}", f"/nowhere/{id}"):
        running.get(path)
    got = running.get("/metrics", admin=True)
    assert got.headers["content-type"].startswith("text/plain")
    assert id.encode() not in got.body
    labels = {pair for line in got.body.decode().splitlines() if (m := SAMPLE.fullmatch(line)) for pair in _pairs(m[2])}
    assert {name for name, _ in labels} <= LABELS
    assert {value for name, value in labels if name in ("screen", "mbu", "fragment")} <= {"home", "m", "part"}


def _pairs(labels: str | None) -> list[tuple[str, str]]:
    return re.findall(r'(\w+)="([^"]*)"', labels or "")


def test_the_log_is_structured(running: Running) -> None:
    """Every line is a JSON object with a level and a time."""
    lines = [json.loads(line) for line in running.stderr.splitlines()]
    assert lines
    assert all(line["level"] and line["timestamp"] and line["event"] for line in lines)


def test_the_embedded_server_is_not_on_the_network(running: Running) -> None:
    """It listens on a unix socket, whose URL is shown so that it can be used."""
    assert running.redis_url.startswith("unix:///")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(running.redis_url.removeprefix("unix://"))


def test_a_second_embedded_server_of_a_namespace_is_refused(running: Running) -> None:
    """The line names the process that has it, and the ways out; the first one is not disturbed."""
    command = [sys.executable, "-m", "aggregator", "serve", str(running.file), "--namespace", running.namespace]
    command += ["--port", "0", "--admin-port", "0"]
    done = subprocess.run(command, env=running.env, cwd=ROOT, capture_output=True, text=True, timeout=15, check=False)
    assert done.returncode == 2
    assert f"Process {running.pid} " in done.stderr
    assert "--redis-url" in done.stderr
    assert running.get("/readyz", admin=True).json["vouching"]


def test_a_worker_that_dies_is_replaced(running: Running, mbu: Mbu, id: str) -> None:
    """The others answer meanwhile, and what was counted is not lost."""
    mbu.put(f"/part/{id}", 1)
    running.get(f"/home/{id}")
    worker = next(pid for pid in running.descendants() if b"aggregator.process.worker" in _command(pid))
    subprocess.run(["kill", "-KILL", str(worker)], check=True)
    assert running.get(f"/home/{id}").status == 200
    assert running.get("/readyz", admin=True).status == 200  # which one worker less is no reason to doubt
    until(lambda: not living([worker]) and samples(running)["aggregator_workers_ready"] == 2, "there are two again")
    assert mbu.calls[f"/part/{id}"] == 1


def _command(pid: int) -> bytes:
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, check=False).stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(mbu: Mbu, redis_url: str, id: str, number: signal.Signals) -> None:
    """What is under way is answered, nothing is left behind, and the exit status is 0."""
    mbu.put(f"/part/{id}", 1)
    mbu.hold(f"/part/{id}")
    answers: list[Got] = []
    with Running(TEXT.replace("$MBU", mbu.url), redis_url) as ending:
        family = ending.descendants()
        asking = threading.Thread(target=lambda: answers.append(ending.get(f"/home/{id}")))
        asking.start()
        until(lambda: mbu.calls[f"/part/{id}"], "it is under way")
        subprocess.run(["kill", f"-{number.value}", str(ending.pid)], check=True)
        until(lambda: _refuses(ending.url), "it takes no more", 5.0)
        mbu.release(f"/part/{id}")
        asking.join()
        until(lambda: ending.ended, "it ends", 5.0)
        assert ending.status == 0
        assert not living(family)
    assert answers[0].json == {"data": {"part": 1}}


def _refuses(url: str) -> bool:
    with socket.socket() as connection:
        return bool(connection.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))))


def test_nothing_outlives_a_kill(mbu: Mbu) -> None:
    """After kill -9 of the parent its workers and its embedded server go too."""
    with Running(TEXT.replace("$MBU", mbu.url)) as one:
        family = one.descendants()
        assert len(family) >= 3
        one.kill()
        until(lambda: not living(family), "all are gone", 5.0)
    assert not Path(one.redis_url.removeprefix("unix://")).exists()

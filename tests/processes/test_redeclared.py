"""A declaration that changes is read again by all workers, or refused by all of them."""

import os
import signal
from collections.abc import Iterator

import orjson
import pytest

from tests.fleet import KEY, declaration, fill
from tests.running import Mbu, Running, until

MORE = '\n[screens.more]\npath = "/more/{id}"\nslots = { only = "part0" }\n[publishers.late]\nkey_env = "LATE_KEY"\n'
RIGHT = MORE + 'tags = ["late:*"]\n'
WRONG = MORE.replace('"part0"', '"part00"') + 'tags = ["late:*"]\n'
ENV = {**KEY, "LATE_KEY": "another-key-for-proofs"}


@pytest.fixture
def mbu() -> Iterator[Mbu]:
    """MBUs that answer for 42."""
    with Mbu() as mbu:
        fill(mbu, "42")
        yield mbu


def declare(service: Running, text: str) -> None:
    """Write the file anew, and say so."""
    service.file.write_text(text)
    os.kill(service.pid, signal.SIGHUP)


def said(service: Running, words: str, times: int = 1) -> None:
    """Wait until it has logged that so often."""
    until(lambda: service.stderr.count(words) >= times, f"it did not say {words}", 30)


def statuses(service: Running, path: str) -> set[int]:
    """What is answered on connections of their own."""
    return {service.get(path).status for _ in range(20)}


def publish(service: Running, tag: str) -> int:
    """The status of an invalidation by the publisher that is declared later."""
    headers = {"authorization": f"Bearer {ENV['LATE_KEY']}"}
    return service.get("/invalidations", headers, "POST", orjson.dumps({"tags": [tag]}), admin=True).status


def test_a_wrong_file_is_refused_and_a_right_one_is_served(mbu: Mbu, redis_url: str) -> None:
    """By every worker, also by one that starts while the file is wrong; the admin listener goes over with them."""
    text = declaration(mbu.url)
    with Running(text, redis_url, 2, ENV) as service:
        declare(service, text + WRONG)
        said(service, "declaration refused")
        assert 'did you mean \\"part0\\"' in service.stderr
        victim = service.descendants()[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda: len({*service.descendants()} - {victim}) == 2, "there is no new worker")
        assert statuses(service, "/more/42") == {404}
        assert statuses(service, "/home/42") == {200}
        assert publish(service, "late:1") == 401

        declare(service, text + RIGHT)
        said(service, '"declaration reloaded"')
        assert statuses(service, "/more/42") == {200}
        assert "/more/{id}" in service.get("/openapi.json", admin=True).json["paths"]
        assert publish(service, "late:1") == 202

        declare(service, text)
        said(service, '"declaration reloaded"', 2)
        assert statuses(service, "/more/42") == {404}
        assert "/more/{id}" not in service.get("/openapi.json", admin=True).json["paths"]
        assert publish(service, "late:1") == 401
        assert max(mbu.calls.values()) == 1


def test_settings_that_change_are_named(mbu: Mbu, redis_url: str) -> None:
    """They are not applied; the rest of the file is."""
    text = declaration(mbu.url)
    with Running(text, redis_url, 1, ENV) as service:
        declare(service, text + RIGHT + '[service]\nl1_bytes = "64MiB"\nlog_level = "debug"\n')
        said(service, '"declaration reloaded"')
        [line] = [line for line in service.stderr.splitlines() if "settings changed" in line]
        assert orjson.loads(line)["settings"] == ["l1_bytes", "log_level"]
        assert statuses(service, "/more/42") == {200}


def test_a_watched_file_needs_no_signal(mbu: Mbu, redis_url: str) -> None:
    """Written in place, wrong at first, or another one put in its place."""
    text = declaration(mbu.url)
    with Running(text, redis_url, 1, ENV, flags=["--watch"]) as service:
        service.file.write_text(text + WRONG)
        said(service, "declaration refused")
        other = service.folder / "other.toml"
        other.write_text(text + RIGHT)
        os.replace(other, service.file)
        said(service, '"declaration reloaded"')
        assert statuses(service, "/more/42") == {200}

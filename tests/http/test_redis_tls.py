"""Redis behind TLS: L2 and log are reached by `rediss://`, and a server whose certificate nobody vouches for is not."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import certificate
from tests.running import Mbu, Running, until
from tests.samples.one_part import ONE_PART
from tests.tcp_proxy import TcpProxy


@pytest.fixture
def secured(tmp_path: Path, redis_url: str) -> Iterator[TcpProxy]:
    """A server with a certificate that the authority `redis.pem` signed: itself."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path, "redis"))
    with TcpProxy(redis_url, tls) as proxy:
        yield proxy


def test_s25_l2_and_log_are_reached_by_tls(mbu: Mbu, secured: TcpProxy, tmp_path: Path, id: str) -> None:
    """What one service keeps another finds; what is invalidated is overtaken."""
    url, text = f"{secured.url}?ssl_ca_certs={tmp_path / 'redis.pem'}", ONE_PART.replace("$MBU", mbu.url)
    mbu.put(f"/part/{id}", 1)
    with Running(text, url, env={"KEY": "k"}) as one:
        until(lambda: one.get("/readyz", admin=True).json["vouching"], "it reads the log")
        assert one.get(f"/home/{id}").json == {"data": {"part": 1}}
        with Running(text, url, env={"KEY": "k"}, namespace=one.namespace) as two:
            assert two.get(f"/home/{id}").headers["cache-status"].endswith('detail="L2"')
        mbu.put(f"/part/{id}", 2)
        body = b'{"tags":["part:%s"]}' % id.encode()
        posted = one.get("/invalidations", {"authorization": "Bearer k"}, "POST", body, admin=True)
        assert posted.status == 202
        until(lambda: one.get(f"/home/{id}").json == {"data": {"part": 2}}, "it is overtaken")


def test_s25_a_server_that_nobody_vouches_for_is_not_spoken_to(
    mbu: Mbu, secured: TcpProxy, tmp_path: Path, id: str
) -> None:
    """The log line says why; screens are served from the MBUs, and nothing is acknowledged."""
    certificate(tmp_path, "another")
    mbu.put(f"/part/{id}", 1)
    url, flags = f"{secured.url}?ssl_ca_certs={tmp_path / 'another.pem'}", ["--startup-limit", "100ms"]
    with Running(ONE_PART.replace("$MBU", mbu.url), url, env={"KEY": "k"}, flags=flags) as one:
        assert one.get(f"/home/{id}").json == {"data": {"part": 1}}
        posted = one.get("/invalidations", {"authorization": "Bearer k"}, "POST", b'{"tags":["a"]}', admin=True)
        assert posted.status == 503
        assert not one.get("/readyz", admin=True).json["l2"]
        until(lambda: {"log_away", "l2_away"} <= told(one), "it says why")


def told(running: Running) -> set[str]:
    """What a certificate is the reason for, by the log lines."""
    lines = map(json.loads, running.stderr.splitlines())
    return {line["event"] for line in lines if "CERTIFICATE_VERIFY_FAILED" in line.get("detail", "")}

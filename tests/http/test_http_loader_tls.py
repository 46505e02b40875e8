"""The HTTP loader over TLS: whom it trusts, and what it shows."""

import asyncio
import ssl
from pathlib import Path

import pytest

from loaders.http import HttpLoader
from loaders.loader import Failed, Loaded, LoadRequest, Outcome
from tests.certificates import certificate
from tests.http.raw_mbu import Exchange, answer, raw_mbu


async def fine(exchange: Exchange) -> bytes:
    return answer(b"{}")


def test_a_ca_file_is_trusted_and_a_client_certificate_is_shown(tmp_path: Path) -> None:
    """The bundle has two certificates; the right one is the second."""
    (cert, key), (mine, my_key) = certificate(tmp_path, "mbu"), certificate(tmp_path, "client")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(mine.read_bytes() + cert.read_bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(mine)

    async def run() -> list[Outcome]:
        async with raw_mbu(fine, tls) as mbu:
            known = HttpLoader(mbu.url, ca_file=bundle, client_cert_file=mine, client_key_file=my_key)
            nobody = HttpLoader(mbu.url, ca_file=bundle)
            trusting_nobody = HttpLoader(mbu.url, client_cert_file=mine, client_key_file=my_key)
            loaders = (known, nobody, trusting_nobody)
            outcomes = [await loader.load_one(LoadRequest("/x")) for loader in loaders]
            for loader in loaders:
                await loader.close()
            return outcomes

    outcomes = asyncio.run(run())
    assert [type(outcome) for outcome in outcomes] == [Loaded, Failed, Failed]


def test_what_holds_no_pem_is_refused_and_not_left_out(tmp_path: Path) -> None:
    """A file that was meant to restrict whom we trust, or to show who we are, must not count as none."""
    (cert, key), empty = certificate(tmp_path, "mbu"), tmp_path / "empty"
    empty.touch()
    for files in (
        {"ca_file": empty},
        {"ca_file": key},
        {"client_cert_file": empty, "client_key_file": empty},
        {"client_cert_file": cert},
        {"client_key_file": key},
    ):
        with pytest.raises(ValueError, match="PEM"):
            HttpLoader("https://h", **files)  # type: ignore[arg-type]


def test_a_file_without_a_line_end_runs_into_no_other(tmp_path: Path) -> None:
    """Key and certificate are two texts, however the first one ends."""
    cert, key = certificate(tmp_path, "mbu")
    key.write_text(key.read_text().rstrip())
    HttpLoader("https://h", client_cert_file=cert, client_key_file=key)

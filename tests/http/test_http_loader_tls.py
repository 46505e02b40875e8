"""The HTTP loader over TLS: whom it trusts, and what it shows."""

import asyncio
import ssl
import subprocess
from pathlib import Path

from loaders.http import HttpLoader
from loaders.loader import Failed, Loaded, LoadRequest, Outcome
from tests.http.raw_mbu import Exchange, answer, raw_mbu


async def fine(exchange: Exchange) -> bytes:
    return answer(b"{}")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed one for 127.0.0.1, by the openssl command."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    request = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -batch"
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"]
    subprocess.run([*request.split(), *subject, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


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

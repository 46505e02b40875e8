"""What TLS needs is checked with everything else: a wrong certificate or key is a mistake, and starts nothing."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from aggregator.declaration.read import declare_raw
from aggregator.mistakes import Mistaken
from tests.certificates import certificate
from tests.samples.right import ENVIRON, HEADERS, RIGHT

BEGIN = '"-----BEGIN CERTIFICATE-----"'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates and their keys, and what looks like one."""
    folder = tmp_path_factory.mktemp("pem")
    cert, key = certificate(folder, "a")
    certificate(folder, "b")
    (folder / "both").write_bytes(key.read_bytes() + cert.read_bytes())
    (folder / "comments").write_bytes(b"# Z\xfcrich\n" + cert.read_bytes())
    (folder / "broken").write_bytes(cert.read_bytes()[:200] + b"\n-----END CERTIFICATE-----\n")
    (folder / "text").write_text("hello\n")
    (folder / "empty").touch()
    locked = ["openssl", "pkcs8", "-topk8", "-in", key, "-passout", "pass:x", "-out", folder / "locked"]
    subprocess.run(locked, check=True, capture_output=True)
    return folder


def said(folder: Path, **files: str) -> list[str]:
    """The mistakes of an MBU with these files, without their place."""
    text = "\n".join(f'{key} = "{folder / file}"' for key, file in files.items())
    try:
        declare_raw("screens.toml", tomllib.loads(RIGHT.replace(HEADERS, text)), ENVIRON)
    except Mistaken as mistaken:
        return [str(one).replace(f"{folder}/", "").partition("[mbus.users] ")[2] for one in mistaken.mistakes]
    return []


@pytest.mark.parametrize(
    "files",
    [
        {"ca_file": "a.pem"},
        {"ca_file": "comments"},
        {"client_cert_file": "a.pem", "client_key_file": "a.key"},
        {"client_cert_file": "both", "client_key_file": "both"},
    ],
)
def test_what_can_be_used_is_no_mistake(files: dict[str, str], folder: Path) -> None:
    """A key may stand in one file with its certificate, and a bundle may have comments in any encoding."""
    assert said(folder, **files) == []


@pytest.mark.parametrize(
    ("files", "lines"),
    [
        ({"ca_file": "text"}, [f"ca_file: the file text has no line with {BEGIN}; expected: PEM"]),
        ({"ca_file": "empty"}, [f"ca_file: the file empty has no line with {BEGIN}; expected: PEM"]),
        ({"ca_file": "a.key"}, [f"ca_file: the file a.key has no line with {BEGIN}; expected: PEM"]),
        ({"ca_file": "broken"}, ["ca_file: the file broken holds a certificate that cannot be read"]),
        ({"ca_file": "gone"}, ["ca_file: the file gone cannot be read: No such file or directory"]),
        ({"client_cert_file": "a.pem"}, ["client_cert_file: is of no use alone; expected: client_key_file beside it"]),
        ({"client_key_file": "a.key"}, ["client_key_file: is of no use alone; expected: client_cert_file beside it"]),
        (
            {"client_cert_file": "text", "client_key_file": "text"},
            [
                f"client_cert_file: the file text has no line with {BEGIN}; expected: PEM",
                'client_key_file: the file text has no line with "PRIVATE KEY-----"; expected: PEM',
            ],
        ),
        (
            {"client_cert_file": "a.pem", "client_key_file": "b.key"},
            ["client_key_file: the key in the file b.key is not that of the certificate in a.pem"],
        ),
        (
            {"client_cert_file": "a.pem", "client_key_file": "locked"},
            ["client_key_file: the file locked holds no usable key; expected: PEM, without a password"],
        ),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_a_mistake(files: dict[str, str], lines: list[str], folder: Path) -> None:
    """Each names the key, the file, and what was expected; none asks for a password at the terminal."""
    assert said(folder, **files) == lines

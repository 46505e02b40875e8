"""What viewers are told by is checked with everything else: a key that could verify nobody starts nothing."""

import tomllib
from pathlib import Path

import pytest

from aggregator.declaration.read import Declared, declare, declare_raw
from aggregator.declaration.tables import Declaration
from aggregator.mistakes import Mistaken
from aggregator.model.catalogue import Secret, ViewerKey
from tests.certificates import certificate
from tests.samples.right import RIGHT, Wrong
from tests.samples.tokens import pem, private, private_pem
from tests.samples.wrong_viewer import SECRET_ENVIRON, VIEWER

FITTING = [
    *((algorithm, "RS256") for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    *((algorithm, algorithm) for algorithm in ("ES256", "ES384", "ES512", "EdDSA")),
    ("EdDSA", "Ed448"),
]


def declared(text: str, environ: dict[str, str] | None = SECRET_ENVIRON) -> Declared:
    """What this declares."""
    return declare_raw("screens.toml", tomllib.loads(text), environ)


def lines(text: str) -> list[str]:
    """The mistakes in it."""
    try:
        declared(text)
    except Mistaken as mistaken:
        return [str(one).removeprefix("screens.toml: ") for one in mistaken.mistakes]
    return []


def with_key(algorithm: str, source: str, name: object, more: str = "") -> str:
    """The right declaration with one key."""
    return f'{RIGHT}[viewer]\n{more}\n[[viewer.keys]]\nalgorithm = "{algorithm}"\n{source} = "{name}"\n'


@pytest.mark.parametrize("wrong", VIEWER, ids=lambda wrong: wrong.line[:60])
def test_a_mistake_is_one_line_that_names_its_place(wrong: Wrong) -> None:
    """And shows no secret."""
    [line] = lines(wrong.text)
    assert line.startswith(wrong.line)
    assert "hush" not in line


def test_no_mistake_hides_another() -> None:
    """In another key, in the same one, or in another table."""
    keys = (
        'keys = [3, { algorithm = "x", secret_env = "GONE" }, { algorithm = "HS256", secret_env = "SHORT", leway = 1 }]'
    )
    said = lines(RIGHT.replace('deadline = "500ms"', "deadline = 1") + f'[viewer]\nhash_key_env = "AWAY"\n{keys}\n')
    parts = [
        "[mbus.users] deadline: expected a duration",
        "[viewer] keys[0]: expected a table",
        "[viewer.keys[1]] algorithm: expected",
        "[viewer.keys[2]] leway: unknown key",
        "[viewer.keys[1]] secret_env: the variable GONE is not set",
        "[viewer.keys[2]] secret_env: the variable SHORT has 28 bytes",
        "[viewer] hash_key_env: the variable AWAY is not set",
    ]
    assert [line[: len(part)] for line, part in zip(said, parts, strict=True)] == parts


def test_what_is_declared_is_what_is_verified_with(tmp_path: Path) -> None:
    """In the order of the file, with relative names from where it is, and shares of time in seconds."""
    (tmp_path / "key.pem").write_bytes(pem(private("ES256")))
    (tmp_path / "salt").write_bytes(b"k" * 16)
    path = tmp_path / "screens.toml"
    second = '[[viewer.keys]]\nalgorithm = "HS512"\nsecret_env = "SECRET"\n'
    third = '[[viewer.keys]]\nalgorithm = "RS256"\njwks_url = "https://issuer/keys?p=1"\naudience = "a"\nissuer = "i"\n'
    path.write_text(
        with_key("ES256", "public_key_file", "key.pem", 'hash_key_file = "salt"') + 'leeway = "5s"\n' + second + third
    )
    catalogue = declare(str(path), SECRET_ENVIRON).catalogue
    assert catalogue.viewer_keys == (
        ViewerKey("ES256", public_key_file=str(tmp_path / "key.pem"), leeway=5.0),
        ViewerKey("HS512", secret=Secret(env="SECRET")),
        ViewerKey("RS256", jwks_url="https://issuer/keys?p=1", audience="a", issuer="i"),
    )
    assert catalogue.hash_key == Secret(file=str(tmp_path / "salt"))


def test_without_the_table_nobody_is_told_apart() -> None:
    """It is optional."""
    catalogue = declared(RIGHT).catalogue
    assert (catalogue.viewer_keys, catalogue.hash_key) == ((), None)


def test_a_declaration_in_python_is_checked_in_the_same_way() -> None:
    """And where no variables are given, none is looked for."""
    found = Declaration.model_validate(tomllib.loads(with_key("HS256", "secret_env", "GONE")))
    with pytest.raises(Mistaken, match=r"\[viewer\.keys\[0\]\] secret_env: the variable GONE is not set"):
        declare_raw("module:name", found, {})
    assert declare_raw("module:name", found, None).catalogue.viewer_keys[0].secret == Secret(env="GONE")


@pytest.mark.parametrize(("algorithm", "kind"), FITTING)
def test_a_key_of_its_kind_is_right_for_an_algorithm(algorithm: str, kind: str, tmp_path: Path) -> None:
    """RSA for RS and PS, one curve for each ES, and two for EdDSA."""
    (tmp_path / "key").write_bytes(pem(private(kind)))
    assert lines(with_key(algorithm, "public_key_file", tmp_path / "key")) == []


def test_where_the_algorithm_is_wrong_no_key_is_wrong_for_it(tmp_path: Path) -> None:
    """It is one mistake."""
    (tmp_path / "key").write_bytes(pem(private("RS256")))
    assert len(lines(with_key("RS265", "public_key_file", tmp_path / "key"))) == 1


def test_a_certificate_is_right_too(tmp_path: Path) -> None:
    """It holds a key."""
    cert, _ = certificate(tmp_path, "issuer")
    assert lines(with_key("ES256", "public_key_file", cert)) == []


@pytest.mark.parametrize(
    ("algorithm", "content", "why"),
    [
        ("RS256", pem(private("ES256")), "the key is not of the kind that RS256 needs; expected: an RSA key"),
        ("PS512", pem(private("EdDSA")), "the key is not of the kind that PS512 needs; expected: an RSA key"),
        ("RS256", pem(private("RSA1024")), "the key has 1024 bits; expected: at least 2048 (RFC 7518, section 3.3)"),
        (
            "ES256",
            pem(private("ES384")),
            "the key is not of the kind that ES256 needs; expected: an EC key on the curve P-256",
        ),
        (
            "EdDSA",
            pem(private("RS256")),
            "the key is not of the kind that EdDSA needs; expected: an Ed25519 or Ed448 key",
        ),
        (
            "RS256",
            private_pem(private("RS256")),
            "it holds a private key; expected: the public one, or a certificate, alone",
        ),
        ("RS256", b"hush", "it holds no public key or certificate that can be read; expected: PEM"),
        (
            "RS256",
            pem(private("RS256"))[:99] + b"\n-----END PUBLIC KEY-----\n",
            "it holds no public key or certificate that can be read; expected: PEM",
        ),
        (
            "RS256",
            b"-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----\n",
            "it holds no public key or certificate that can be read; expected: PEM",
        ),
    ],
    ids=["EC", "Ed25519", "short", "curve", "RSA", "private", "text", "cut", "certificate"],
)
def test_another_is_a_mistake_that_says_what_was_expected(
    algorithm: str, content: bytes, why: str, tmp_path: Path
) -> None:
    """In words without the file's content."""
    (file := tmp_path / "key").write_bytes(content)
    said = lines(with_key(algorithm, "public_key_file", file))
    assert said == [f"[viewer.keys[0]] public_key_file: the file {file} cannot be used: {why}"]


@pytest.mark.parametrize(("algorithm", "least"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_a_secret_is_as_long_as_its_hash(algorithm: str, least: int, tmp_path: Path) -> None:
    """Without the line break at the file's end; any bytes may be in it."""
    (file := tmp_path / "secret").write_bytes(b"\xff" * least + b"\n")
    assert lines(with_key(algorithm, "secret_file", file)) == []
    file.write_bytes(b"\xff" * (least - 1) + b"\r\n")
    [line] = lines(with_key(algorithm, "secret_file", file))
    assert line.startswith(f"[viewer.keys[0]] secret_file: the file {file} has {least - 1} bytes; expected: at least")
    assert line.endswith(f"at least {least}, for {algorithm} (RFC 7518, section 3.2)")


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    """It is what everybody has."""
    (file := tmp_path / "secret").write_bytes(pem(private("RS256")))
    [line] = lines(with_key("HS256", "secret_file", file))
    assert line.endswith("holds a public key, a certificate or a JWK; expected: bytes that nobody else knows")


def test_a_key_for_hashes_is_not_to_be_guessed(tmp_path: Path) -> None:
    """16 bytes, without the line break at the file's end."""
    (file := tmp_path / "salt").write_bytes(b"k" * 15 + b"\n")
    [line] = lines(with_key("HS256", "secret_env", "SECRET", f'hash_key_file = "{file}"'))
    assert (
        line
        == f"[viewer] hash_key_file: the file {file} has 15 bytes; expected: at least 16, so that nobody guesses it"
    )
    file.write_bytes(b"k" * 16 + b"\n")
    assert lines(with_key("HS256", "secret_env", "SECRET", f'hash_key_file = "{file}"')) == []

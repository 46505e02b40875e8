"""What is wrong with the keys that viewers are told by."""

from tests.samples.right import ENVIRON, Wrong

ANCHOR = "[publishers.users]"
SECRET_ENVIRON = {**ENVIRON, "SECRET": "s" * 64, "SHORT": "hush" * 7, "EMPTY": "", "LINE": "hush" * 4 + "\n"}
SOURCES = "expected exactly one of secret_env, secret_file, public_key_file, jwks_url, not"


def _key(keys: str, line: str, viewer: str = "") -> Wrong:
    return Wrong(ANCHOR, f"[viewer]\n{viewer}\n[[viewer.keys]]\n{keys}\n{ANCHOR}", line)


def _viewer(text: str, line: str) -> Wrong:
    return Wrong(ANCHOR, f"{text}\n{ANCHOR}", line)


_SHAPES = [
    _viewer("[viewer]", "[viewer] keys: missing key; expected: what verifies their tokens, as [[viewer.keys]]"),
    _viewer("[viewer]\nkeys = []", "[viewer] keys: expected at least one entry, there is none"),
    _viewer("[viewer]\nkeys = [3]", "[viewer] keys[0]: expected a table, not 3"),
    _viewer("[viewer.keys]\nalgorithm = 'HS256'", "[viewer] keys: expected a list, not a table"),
    _key("secret_env = 'SECRET'\nalgorithm = 'HS256'", '[viewer] kees: unknown key; did you mean "keys"?', "kees = 1"),
    _key(
        "secret_env = 'SECRET'",
        "[viewer.keys[0]] algorithm: missing key; expected: the only one that a token may be signed with, such as "
        '"RS256"',
    ),
    _key(
        "secret_env = 'SECRET'\nalgorithm = 'none'",
        '[viewer.keys[0]] algorithm: expected "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", '
        '"PS512", "ES256", "ES384", "ES512" or "EdDSA", not "none"',
    ),
    _key(
        "secret_env = 'SECRET'\nalgorithm = 'HS256'\naudiense = 'x'",
        '[viewer.keys[0]] audiense: unknown key; did you mean "audience"?',
    ),
    _key(
        "secret_env = 'SECRET'\nalgorithm = 'HS256'\n[[viewer.keys]]\nsecret_env = 'SECRET'\nalgorithm = 'HS256'\n"
        "leeway = 5",
        '[viewer.keys[1]] leeway: expected a duration with its unit (ms, s, m, h, d) such as "60s", not 5',
    ),
    _key(
        "jwks_url = 'issuer/keys'\nalgorithm = 'RS256'",
        '[viewer.keys[0]] jwks_url: expected a URL that begins with "http://" or "https://"',
    ),
    _key(
        "jwks_url = 'http://me:hush@issuer/keys'\nalgorithm = 'RS256'",
        "[viewer.keys[0]] jwks_url: expected a URL without credentials",
    ),
    _key(
        "jwks_url = 'http://issuer/keys?a#b'\nalgorithm = 'RS256'",
        "[viewer.keys[0]] jwks_url: expected a URL without fragment, and with a query of URL characters if it has one",
    ),
    _key(
        "jwks_url = 'http://issuer/keys#a'\nalgorithm = 'RS256'",
        "[viewer.keys[0]] jwks_url: expected a URL without fragment, and with a query of URL characters if it has one",
    ),
    _key(
        "jwks_url = 'http://issuer/keys?a b'\nalgorithm = 'RS256'",
        "[viewer.keys[0]] jwks_url: expected a URL without fragment, and with a query of URL characters if it has one",
    ),
]

_SOURCES = [
    _key("algorithm = 'HS256'", f"[viewer.keys[0]]: {SOURCES} none"),
    _key(
        "algorithm = 'RS256'\njwks_url = 'http://h'\nsecret_env = 'SECRET'",
        f"[viewer.keys[0]] jwks_url: {SOURCES} secret_env and jwks_url",
    ),
    _key(
        "algorithm = 'HS256'\njwks_url = 'http://h'",
        "[viewer.keys[0]] jwks_url: is nothing to verify HS256 with; expected: secret_env or secret_file",
    ),
    _key(
        "algorithm = 'RS256'\nsecret_env = 'SECRET'",
        "[viewer.keys[0]] secret_env: is nothing to verify RS256 with; expected: public_key_file or jwks_url",
    ),
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SECRET'",
        "[viewer] hash_key_file: expected one of hash_key_env and this, not both",
        f"hash_key_env = 'SECRET'\nhash_key_file = '{__file__}'",
    ),
]

_PRESENT = [
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SECRETE'",
        '[viewer.keys[0]] secret_env: the variable SECRETE is not set; did you mean "SECRET"?',
    ),
    _key("algorithm = 'HS256'\nsecret_env = 'EMPTY'", "[viewer.keys[0]] secret_env: the variable EMPTY is empty"),
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SHORT'",
        "[viewer.keys[0]] secret_env: the variable SHORT has 28 bytes; expected: at least 32, for HS256 (RFC 7518, "
        "section 3.2)",
    ),
    _key(
        "algorithm = 'HS256'\nsecret_file = '/nowhere'",
        "[viewer.keys[0]] secret_file: the file /nowhere cannot be read: No such file or directory",
    ),
    _key(
        "algorithm = 'RS256'\npublic_key_file = '/nowhere'",
        "[viewer.keys[0]] public_key_file: the file /nowhere cannot be read: No such file or directory",
    ),
    _key(
        "algorithm = 'RS256'\npublic_key_file = '/dev/null'",
        "[viewer.keys[0]] public_key_file: the file /dev/null is empty",
    ),
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SECRET'",
        "[viewer] hash_key_file: the file /nowhere cannot be read: No such file or directory",
        "hash_key_file = '/nowhere'",
    ),
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SECRET'",
        "[viewer] hash_key_env: the variable GONE is not set",
        "hash_key_env = 'GONE'",
    ),
    _key(
        "algorithm = 'HS256'\nsecret_env = 'SECRET'",
        "[viewer] hash_key_env: the variable EMPTY is empty",
        "hash_key_env = 'EMPTY'",
    ),
]

VIEWER = [*_SHAPES, *_SOURCES, *_PRESENT]

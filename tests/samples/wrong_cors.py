"""Wrong declarations of whose pages may read answers."""

from tests.samples.right import RETENTION, Wrong

_SPELT = "expected an origin as browsers send it"


def _cors(table: str, line: str) -> Wrong:
    return Wrong(RETENTION, f"{RETENTION}\n[cors]\n{table}", line)


CORS = [
    _cors(
        'origins = ["*"]\ncredentials = true',
        """[cors] credentials: with origins = ["*"] any page could read what a visitor's cookies show; expected: """
        "origins by name, or credentials = false",
    ),
    _cors(
        'origins = ["*", "https://a.example"]',
        '[cors] origins: "*" is any origin; expected: "*" alone, or origins by name',
    ),
    _cors('origins = ["null"]', '[cors] origins[0]: "null" is the origin of any sandboxed page'),
    _cors(
        'origins = ["https://a.example:443"]',
        "[cors] origins[0]: expected an origin without :443, which browsers leave out",
    ),
    *(
        _cors(f'origins = ["https://a.example", "{wrong}"]', f"[cors] origins[1]: {_SPELT}")
        for wrong in ("https://A.example", "https://a.example/", "a.example", "https://*.example", "https://", "")
    ),
    _cors('origins = "https://a.example"', "[cors] origins: expected a list"),
    _cors('origin = ["https://a.example"]', '[cors] origin: unknown key; did you mean "origins"?'),
    _cors('max_age = "1"', "[cors] max_age: expected a duration with its unit"),
]

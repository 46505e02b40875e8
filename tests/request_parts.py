"""What requests are made of: targets, methods, versions and header lines, right, odd, and such as are no HTTP."""

from collections.abc import Sequence

IDS = b"1 2 42 none half bad me a%2Fb a%2fb %C3%A9 %c3%a9 a'b a%27b !$&()*+,;=:@ %21 x%20y".split()
IDS += b"~ -5 007 7 .. %ff %00 %zz".split()
UUID = b"0b6f0c1e-3a70-4b9e-8a51-7c3a2f1d9e00"
ROOTS = [b"home", b"n", b"brief", b"spoken", b"team", b"a", b"unused", b"u", b"nosuch", b"HOME", b"h%6Fme"]
# Of two in a line the second is another screen's, or nobody's, though it names what the first one does.
SHADOWED = b"""/a/me /a/%6De /a/%6de /healthz /%68ealthz /readyz /r%65adyz /me/right /a/right /a/r%69ght
/unused/1?must=1 /unused/1 /unused/1?must=x""".split()
FIXED = b"""/mine /own /themed /search /need /a/me /a/%6De /a/me/ /me /healthz /readyz /a/right /me/right /a%2Fme / //
//x * http://x/home/1 https://x/a/me x:80 /healthz? /healthz/ /%68ealthz /home/1#f /home/1?# home/1 /home//1 /home/1/
//home/1 http://x http:///home/1 /home/1;a /home/1? /mine?x=1 /u/00000000-0000-0000-0000-00000000000g""".split()
QUERIES = b"""q=a q=a+b q=a%20b q=%C3%A9 page=1 page=2 page=01 page=x unused=7 unused=8 unused=z must=1 must=x other=1
q= q=a&q=b page=2&q=a q=a&page=2 q=!!! q=%21%21%21 must q=a&&page=2 q=a;page=2 q=%zz q=%ff must=a%00""".split()
QUERIES += [b"q=\xc3\xa9", b"q=<>", b"q={}|^`", b'q="', b"q=a#b", b"q=\\", b"q=a?b/c", b"q=[]"]
METHODS = b"POST PUT DELETE OPTIONS PATCH TRACE CONNECT get Get G GETT PRI QUERY M-SEARCH PROPFIND".split()
VERSIONS = b"HTTP/1.0 HTTP/1.1  HTTP/0.9 HTTP/2.0 HTTP/1.2 http/1.1 HTTP/1.10 HTTP/11 HTTP/1,1 HTTP".split(b" ")
CODINGS = [
    *(b"gzip", b"br", b"zstd", b"gzip, deflate, br, zstd", b"gzip;q=1.0, br;q=0.5", b"*", b"identity", b"*;q=0"),
    *(b"x-gzip", b"gzip;q=0", b"deflate", b"GZIP", b"br ; q=0.1,gzip", b",", b"zstd;q=2, br", b"gzip;q=1;x=y"),
]
ACCEPTS = [
    *(b"*/*", b"application/json", b"application/msgpack", b"application/vnd.msgpack;q=0.9, application/json"),
    *(b"application/x-msgpack;q=0, */*", b"text/html", b"application/msgpack;q=x", b"APPLICATION/MSGPACK", b";;,"),
]
OTHERS: Sequence[tuple[bytes, Sequence[bytes]]] = [
    (b"user-agent", [b"curl/8", b"Mozilla/5.0 (X; \xc3\xa9)"]),
    (b"range", [b"bytes=0-5", b"bytes=5-"]),
    (b"cache-control", [b"no-cache", b"max-age=0"]),
    (b"pragma", [b"no-cache"]),
    (b"if-modified-since", [b"Thu, 01 Jan 1970 00:00:00 GMT"]),
    (b"if-match", [b"*", b'"x"']),
    (b"aggregator-min-position", [b"0", b"1-2-3"]),
    (b"accept-language", [b"de", b"en", b"de\t,en", b"\xc3\xa9", b"\xff", b"x" * 1_100, b'"']),
    (b"cookie", [b"session=a", b"session=b; x=1", b"x=1;session=a", b'session="a"', b"session=", b"session=\xff"]),
    (b"origin", [b"https://a.example", b"https://b.example", b"null", b"https://A.example", b"https://a.example, x"]),
    (b"x-request-id", [b"mine-1", b"a b", b"x" * 129, b"<>", b"A.b:c_d-9"]),
]
NOT_PLAIN: Sequence[tuple[bytes, Sequence[bytes]]] = [
    (
        b"connection",
        [
            *(b"close", b"Close", b"keep-alive", b"Keep-Alive", b"keep-alive, close", b"upgrade", b"close, x", b"x"),
            *(b"keep-alive, Upgrade", b"keep-alive ", b"keep-alive\t,x"),
        ],
    ),
    (b"content-length", [b"0", b"5", b"x", b"-1", b"+5", b"5, 5", b"00005", b"99999999999999999999"]),
    (b"transfer-encoding", [b"chunked", b"identity", b"gzip, chunked", b"chunked, chunked", b"xchunked"]),
    (b"expect", [b"100-continue", b"100-Continue", b"x"]),
    (b"upgrade", [b"h2c", b"websocket"]),
    (b"proxy-connection", [b"keep-alive", b"close"]),
    (b"keep-alive", [b"timeout=5"]),
    (b"cdn-loop", [b"aggregator", b"aggregator; from=home", b"x", b"aggregator;home=card"]),
    (b"trailer", [b"x"]),
    (b"te", [b"trailers"]),
    (b"http2-settings", [b"AAMAAABkAAQAoAAAAAIAAAAA"]),
    (b"host", [b"y", b"x"]),
]
ODD_LINES = [
    *(b"no colon\r\n", b": x\r\n", b" folded\r\n", b"\tfolded\r\n", b"x: a\n", b"x: a\r", b"x:\r\n", b"x: \r\n"),
    *(b"x : 1\r\n", b"x\t: 1\r\n", b"x: a\x00b\r\n", b"x: \x01\r\n", b"x: \x7f\r\n", b"x: \xff\r\n", b"\xff: x\r\n"),
    *(b"x:1\r\n", b"x:  1\r\n", b"x:\t1\r\n", b"x: 1 \r\n", b"x: 1\t\r\n", b"x(y): 1\r\n", b"x: a\rb\r\n", b"\x00\r\n"),
    *(b"x: a\r\n b\r\n", b"x_y: 1\r\n", b"x: a\x0bb\r\n", b"host : x\r\n", b"X: " + b"y" * 5_000 + b"\r\n", b"\r\n"),
    *(b"x-request-id: mine-2 \r\n", b"x-request-id:  mine-2\r\n", b"x-request-id:\tmine-2\r\n"),
    *(b"X: " + b"y" * 4_050 + b"\r\n", b"X: " + b"y" * 4_060 + b"\r\n", b"X: " + b"y" * 4_070 + b"\r\n"),
]

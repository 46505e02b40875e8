"""Requests of every kind, as bytes: right ones, odd ones, and such as are no HTTP."""

import random
from collections.abc import Callable, Collection, Iterator, Sequence

import jwt

from tests.request_parts import (
    ACCEPTS,
    CODINGS,
    FIXED,
    IDS,
    METHODS,
    NOT_PLAIN,
    ODD_LINES,
    OTHERS,
    QUERIES,
    ROOTS,
    SHADOWED,
    UUID,
    VERSIONS,
)
from tests.screens_of_all_kinds import SECRET

# In which a request may be odd; of "host" it has none, "again" is a line that stands there twice.
_WAYS = ("method", "target", "version", "host", "field", "field", "field", "again", "line", "line", "bytes")
# Bytes of a target from which on it may be too long.
_LONG = 500


class Maker:
    """now: fleet seconds, by which tokens expire. tags: entity tags that were seen, to be sent again."""

    def __init__(self, chance: random.Random, now: Callable[[], float]) -> None:
        self.tags: list[bytes] = []
        self._chance = chance
        self._now = now
        self._blocks: list[bytes] = []
        self._tokens: list[bytes] = []

    def request(self, oddity: float = 0.5) -> bytes:
        """One request; odd with that chance, mostly in one way alone, else of the kind that clients send."""
        chance = self._chance
        odd = set(chance.sample(_WAYS, chance.choice([1, 1, 1, 2, 4])) if chance.random() < oddity else [])
        method = chance.choice(METHODS if "method" in odd else [b"GET", b"GET", b"GET", b"HEAD"])
        target = self._odd_target() if "target" in odd else self._target()
        request = b" ".join([method, target, self._odd_block(odd) if odd else self._block()])
        # Of one that is too long and has a wrong byte, too, the refusal tells what was parsed first: pieces decide.
        return self._mutated(request) if "bytes" in odd and len(target) < _LONG else request

    def _target(self) -> bytes:
        chance = self._chance
        kind = chance.randrange(7)
        if kind == 2:
            return chance.choice(SHADOWED)
        if kind == 0:
            return b"/lasting/%d" % chance.randrange(4)
        if kind == 1:
            return chance.choice(
                [b"/mine", b"/silent", b"/own", b"/themed", b"/search", b"/a/me", b"/search?q=a", b"/need?must=1"]
            )
        return b"/%b/%b" % (chance.choice(ROOTS[:6]), chance.choice(IDS[:5]))

    def _odd_target(self) -> bytes:
        chance = self._chance
        kind = chance.randrange(8)
        if kind == 0:
            return b"/search?q=" + chance.choice([b"!", b"%21", b"x"]) * chance.choice([150, 199, 200, 600])
        if kind == 1:
            return b"/u/" + chance.choice([UUID, UUID.upper(), UUID[:-1]])
        if kind == 2:
            return b"/search?" + chance.choice(QUERIES)
        target = chance.choice(FIXED) if kind < 4 else b"/%b/%b" % (chance.choice(ROOTS), chance.choice(IDS))
        if kind == 7:
            target = b"/" + chance.choice(IDS)
        return target + (b"?" + chance.choice(QUERIES) if chance.random() < 0.4 else b"")

    def _block(self) -> bytes:
        """Mostly one that came before, as clients' do."""
        if self._blocks and self._chance.random() < 0.6:
            return self._chance.choice(self._blocks)
        block = b"HTTP/1.1\r\n" + b"".join(b"%b: %b\r\n" % line for line in self._lines()) + b"\r\n"
        self._blocks = [*self._blocks[-40:], block]
        return block

    def _lines(self) -> list[tuple[bytes, bytes]]:
        chance = self._chance
        lines = [(b"host", b"x")]
        if chance.random() < 0.4:
            lines.append((b"accept-encoding", chance.choice(CODINGS)))
        if chance.random() < 0.3:
            lines.append((b"accept", chance.choice(ACCEPTS)))
        if chance.random() < 0.3:
            lines.append((b"if-none-match", self._if_none_match()))
        if chance.random() < 0.4:
            lines.append((b"authorization", self._authorization()))
        lines += [(name, chance.choice(values)) for name, values in OTHERS if chance.random() < 0.12]
        if chance.random() < 0.1:
            lines.append((b"connection", b"keep-alive"))
        chance.shuffle(lines)
        case = chance.choice([bytes.lower, bytes.title, bytes.upper])
        return [(case(name), value) for name, value in lines]

    def _odd_block(self, odd: Collection[str]) -> bytes:
        chance = self._chance
        pairs = self._lines()
        if "field" in odd:
            name, values = NOT_PLAIN[0] if chance.random() < 0.3 else chance.choice(NOT_PLAIN)
            pairs.insert(chance.randrange(len(pairs) + 1), (name, chance.choice(values)))
        if "again" in odd:
            pairs.append(chance.choice(pairs))
        if "host" in odd:
            pairs = [(name, value) for name, value in pairs if name.lower() != b"host"]
        lines = [b"%b: %b\r\n" % pair for pair in pairs]
        if "line" in odd:
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(ODD_LINES))
        version = chance.choice(VERSIONS) if "version" in odd else b"HTTP/1.1"
        return version + b"\r\n" + b"".join(lines) + b"\r\n" + self._body(pairs)

    def _body(self, pairs: Sequence[tuple[bytes, bytes]]) -> bytes:
        names = {name.lower() for name, _ in pairs}
        if b"transfer-encoding" in names:
            return self._chance.choice([b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"3\r\nab", b"x\r\n"])
        bodies = [b"", b"abcde", b"ab", b"abcdef"] if b"content-length" in names else [b""] * 20 + [b"abcde", b"\r\n"]
        return self._chance.choice(bodies)

    def _if_none_match(self) -> bytes:
        chance = self._chance
        kind = chance.randrange(8)
        if kind == 1:
            return b"*"
        if kind == 0 or not self.tags:
            return chance.choice(
                [b"*", b" *", b'"*"', b'W/"x"', b'"' + b"0" * 32 + b'"', b'"x", *', b"x", b'""', b'"a']
            )
        tag = chance.choice(self.tags)
        other = chance.choice(self.tags)
        forms = [
            tag,
            b"W/" + tag,
            tag + b", " + other,
            b'"x",' + tag,
            tag[:-1] + b'-br"',
            tag[:33] + b'-gzip"',
            tag[:20],
        ]
        return chance.choice([tag, *forms, tag[:33] + b'-nosuch"', tag.upper(), tag[:33] + b'-msgpack-zstd"'])

    def _authorization(self) -> bytes:
        chance = self._chance
        if len(self._tokens) > 8 and chance.random() < 0.8:
            return chance.choice(self._tokens[-8:])
        now = self._now()
        claims = {
            "sub": chance.choice(["u1", "u2"]),
            "org": chance.choice(["o1", 7]),
            "exp": now + chance.choice([1e6, 1e6, 1e6, 0.3, 1.0, 2.0, 3.7, -5]),
        }
        if chance.random() < 0.15:
            claims["nbf"] = now + chance.choice([-1, 0.6, 1.5])
        if chance.random() < 0.15:
            del claims[chance.choice(["sub", "org", "exp"])]
        token = jwt.encode(claims, SECRET if chance.random() < 0.9 else SECRET[::-1], "HS256").encode()
        found = chance.choice([b"Bearer ", b"Bearer ", b"Bearer ", b"bearer ", b"Basic ", b"Bearer  "]) + token
        self._tokens = [*self._tokens[-20:], found]
        return found

    def _mutated(self, request: bytes) -> bytes:
        chance = self._chance
        at = chance.randrange(len(request))
        byte = bytes([chance.choice([0, 9, 10, 13, 32, 58, 127, 255, chance.randrange(256)])])
        kind = chance.randrange(4)
        if kind == 0:
            return request[:at] + byte + request[at:]
        if kind == 1:
            return request[:at] + byte + request[at + 1 :]
        return request[:at] + request[at + 1 :] if kind == 2 else request[:at]


def each_oddity() -> Iterator[bytes]:
    """Requests that are odd in one way alone, each way once."""
    lines = [b"%b: %b\r\n" % (name, value) for name, values in [*OTHERS, *NOT_PLAIN] for value in values]
    lines += [b"accept-encoding: %b\r\n" % value for value in CODINGS]
    lines += [b"accept: %b\r\n" % value for value in ACCEPTS]
    yield from (b"GET /a/1 HTTP/1.1\r\nhost: x\r\n%b\r\n" % line for line in [*lines, *ODD_LINES, b"host: x\r\n"])
    yield from (b"GET /a/1 %b\r\nhost: x\r\n\r\n" % version for version in VERSIONS)
    yield from (b"%b /a/1 HTTP/1.1\r\nhost: x\r\n\r\n" % method for method in METHODS)
    targets = [*SHADOWED, *FIXED, *(b"/search?" + query for query in QUERIES), *(b"/" + id for id in IDS)]
    targets += [b"/%b/%b" % (root, id) for root in ROOTS for id in IDS]
    yield from (b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % target for target in targets)
    yield b"GET /a/1 HTTP/1.1\r\n\r\n"
    yield b"GET /a/1 HTTP/1.1\r\nx: y\r\n\r\n"

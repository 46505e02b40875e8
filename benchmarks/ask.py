"""One request and its answer, read whole: to see that what is measured is what is meant."""

import socket
from typing import BinaryIO, NamedTuple


class Answer(NamedTuple):
    """head: lower case, with the status line."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Its value; empty if there is none."""
        _, found, rest = self.head.partition(b"\r\n%b: " % name)
        return rest.partition(b"\r\n")[0] if found else b""


def get(path: str, *headers: str) -> bytes:
    """A GET request as it goes on the wire."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: benchmark", *headers, "", ""]).encode()


def ask(port: int, request: bytes) -> Answer:
    """The answer to one request on a connection of its own. It has to have a content-length."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answers:
            return read_answer(answers)


def read_answer(answers: BinaryIO) -> Answer:
    """The next one on a connection."""
    lines = [line for line in iter(answers.readline, b"\r\n") if line]
    head = b"".join(lines).lower() + b"\r\n"
    status = int(head.split(b" ", 2)[1])
    length = Answer(status, head, b"").header(b"content-length")
    return Answer(status, head, answers.read(int(length)) if length and status != 304 else b"")

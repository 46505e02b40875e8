"""What cannot be listened on is said once, in one line."""

import socket

import pytest

from aggregator.process.supervisor import CannotListen, listen


def test_a_taken_port_is_said_once() -> None:
    """The address, then the reason, and nothing twice."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as refused:
            listen("127.0.0.1", port)
    assert str(refused.value) == f"cannot listen on 127.0.0.1 port {port}: Address already in use"


def test_a_host_that_is_none_is_said_in_the_resolvers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers are others than the system's."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(8, "no such host")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(CannotListen, match=r"^cannot listen on nowhere port 1: no such host$"):
        listen("nowhere", 1)

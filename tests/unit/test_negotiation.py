"""MessagePack is for who prefers it to JSON; a request has the client's own id, or a new one."""

import pytest

from aggregator.http.negotiation import request_id, wants_msgpack


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        ("", False),
        ("*/*", False),
        ("application/*", False),
        ("application/json", False),
        ("text/html, */*;q=0.8", False),
        ("application/msgpack", True),
        ("application/vnd.msgpack", True),
        ("application/x-msgpack", True),
        ("APPLICATION/MsgPack", True),
        (" application/msgpack ; q=0.5 ", True),
        ("application/msgpack;v=1;q=0.5", True),
        ("application/msgpack;q=0", False),
        ("application/msgpack;q=0, application/x-msgpack", True),
        ("application/msgpack, application/json", True),
        ("application/json, application/msgpack", True),
        ("application/msgpack;q=0.5, application/json;q=0.5", True),
        ("application/msgpack;q=0.5, application/json", False),
        ("application/msgpack;q=0.4, application/json;q=0.5", False),
        ("application/msgpack;q=0.5, application/json;q=0", True),
        ("application/msgpack;q=0, application/json;q=0", False),
        ("application/msgpack;q=0.5, */*;q=0.5", True),
        ("application/msgpack;q=0.5, */*;q=0.1", True),
        ("application/msgpack;q=0.5, */*", False),
        ("application/msgpack;q=0.5, application/*;q=0.6", False),
        ("application/msgpack;q=0.5, application/*;q=0.1, */*", True),
        ("application/msgpack;q=0.5, application/*, */*;q=0.1", False),
        ("application/msgpack;q=0.5, application/*;q=0, */*", True),
        ("application/msgpack;q=0.5, application/json;q=0.1, */*", True),
        ("application/msgpack;q=much", False),
        ("application/msgpacked", False),
        ("text/msgpack", False),
    ],
)
def test_msgpack_is_sent_to_who_prefers_it(accept: str, packed: bool) -> None:
    """By weights, of which a more exact name's counts (RFC 9110, section 12.5.1); of equal ones, what is named."""
    assert wants_msgpack(accept) is packed


@pytest.mark.parametrize("given", [b"a", b"A.b_c:d-9", b"x" * 128])
def test_an_id_of_the_clients_own_is_kept(given: bytes) -> None:
    """Up to 128 plain characters."""
    assert request_id(given) == given.decode()


@pytest.mark.parametrize("given", [None, b"", b"a b", b"x" * 129, b"a\n", b"a,b", b"\xc3\xa9", b'"'])
def test_what_is_no_id_is_replaced(given: bytes | None) -> None:
    """By sixteen digits that no other request has."""
    one, other = request_id(given), request_id(given)
    assert one != other
    assert len(one) == 16
    assert one[:8] == other[:8]
    assert int(other, 16) == int(one, 16) + 1

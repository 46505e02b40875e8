"""Ranges are not served: a screen comes whole, once, whatever part of it is asked for."""

import pytest

from tests.http.conftest import Plain

RANGES = [
    "bytes=0-0",
    "bytes=-1",
    "bytes=9-1",
    "bytes=999999-",
    "bytes=cow",
    "x=1",
    "bytes=" + ",".join(["0-"] * 1_000),
]


@pytest.mark.parametrize("asked", RANGES)
def test_s24_a_range_is_answered_with_the_whole_once(plain: Plain, id: str, asked: str) -> None:
    """200 (RFC 9110, section 14.2: a server may ignore Range), cold and from L1, and no offer to serve them."""
    plain.mbu.put(f"/base/part/{id}/end", {"of": "x" * 2_000})
    answers = [plain.running.get(f"/card/{id}", {"range": asked, "if-range": '"x"'}) for _ in range(3)]
    answers.append(plain.running.get(f"/card/{id}"))
    for got in answers:
        assert (got.status, got.body, got.headers["etag"]) == (200, answers[-1].body, answers[-1].headers["etag"])
        assert got.headers["content-length"] == str(len(got.body))
        assert not {"accept-ranges", "content-range"} & got.headers.keys()

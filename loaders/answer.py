"""What an MBU's HTTP answer means to us: its status, headers and body become an outcome."""

from collections.abc import Mapping

import orjson

from loaders.loader import NO_HEADERS, Absent, Failed, Loaded, NotModified, Outcome, Reason

_WHITE_SPACE = b" \t\r\n"  # RFC 8259, section 2; the one thing about a payload that may be dropped


def outcome_of(status: int, headers: Mapping[str, str], body: bytes, max_payload: int) -> Outcome:
    """`body` is decoded, and may be cut off once it is longer than `max_payload` bytes."""
    match status:
        case 200 | 203:
            if (coding := headers.get("content-encoding", "identity").lower()) != "identity":
                return Failed(Reason.PAYLOAD, f"content-encoding {coding!a} was not asked for")
            return payload_or_failed(body, max_payload, headers)
        case 204 | 404 | 410:
            return Absent(headers)
        case 304:
            return NotModified(headers)
        case _:
            return Failed(Reason.STATUS, f"status {status}", _retry_after(headers), status)


def payload_or_failed(body: bytes, max_payload: int, headers: Mapping[str, str] = NO_HEADERS) -> Loaded | Failed:
    """Loaded if `body` is one JSON text (RFC 8259) of at most `max_payload` bytes, else Failed(PAYLOAD)."""
    if len(body) > max_payload:
        return Failed(Reason.PAYLOAD, f"more than {max_payload} bytes (max_payload)")
    payload = body.strip(_WHITE_SPACE)
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError as mistake:
        # Not `str(mistake)` nor the exception itself: they hold the payload, or may one day.
        return Failed(Reason.PAYLOAD, f"not JSON: {mistake.msg} at byte {mistake.pos} of {len(payload)}")
    return Loaded(payload, headers)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds (RFC 9110, section 10.2.3); its other form, a date, needs a clock that the two sides share."""
    value = headers.get("retry-after", "")
    return float(value) if value.isdecimal() and len(value) < 10 else None

"""The table of cross-origin sharing: the origins whose pages may read answers."""

import re
from typing import Annotated

from pydantic import AfterValidator

from aggregator.declaration.table import Table
from aggregator.model.cors import ANY
from aggregator.units import DurationOrZero, default, shown

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_LEFT_OUT = {("http", "80"), ("https", "443")}


def _origin(text: str) -> str:
    # Compared with what browsers send byte for byte: in any other spelling it would never be one of them.
    if text == ANY:
        return text
    if text == "null":
        raise ValueError('"null" is the origin of any sandboxed page and local file, and cannot be told from them')
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            f'expected an origin as browsers send it, such as "https://app.example", in lower case and without path or '
            f"slash at its end, not {shown(text)}"
        )
    if found.groups() in _LEFT_OUT:
        raise ValueError(f"expected an origin without :{found[2]}, which browsers leave out, not {shown(text)}")
    return text


class CorsTable(Table):
    """[cors]: whose pages may read answers in a browser; nobody's where no origin is named."""

    origins: list[Annotated[str, AfterValidator(_origin)]] = default(
        [], description='origins whose pages may read answers, such as "https://app.example"; "*" alone for any'
    )
    credentials: bool = default(False, description="may such a page have the browser send the cookies it keeps?")
    max_age: DurationOrZero = default("10m", description="how long a browser may remember a preflight's answer")

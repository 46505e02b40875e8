"""A mistake is one thing wrong in what an operator wrote: where, what was expected, and the near miss."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Mistake:
    """file: as the operator named it; "" for flags and variables.
    table: dotted, as in TOML, without brackets; "" at the top. key: what is wrong in it, perhaps a flag; may be "".
    near_miss: what was probably meant, if something is close.
    """

    file: str
    table: str
    key: str
    message: str
    near_miss: str | None = None

    def __str__(self) -> str:
        place = " ".join(part for part in (f"[{self.table}]" if self.table else "", self.key) if part)
        guess = f'; did you mean "{self.near_miss}"?' if self.near_miss else ""
        return ": ".join(part for part in (self.file, place, self.message + guess) if part)


class Mistaken(Exception):
    """What was written cannot be used; `mistakes` are all that were found."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def near(given: object, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, if one is close."""
    if not isinstance(given, str):
        return None
    close = get_close_matches(given[:64], list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def quoted(name: object) -> str:
    """A key as TOML writes it: bare where it can be, else in quotes."""
    text = str(name)
    return text if _BARE.fullmatch(text) else json.dumps(text if len(text) <= 64 else text[:61] + "…")


def dotted(names: Iterable[object]) -> str:
    """A table's name as TOML writes it."""
    return ".".join(map(quoted, names))

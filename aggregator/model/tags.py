"""A tag names what an entry depends on; an invalidation names tags."""

from collections.abc import Iterable
from itertools import chain

MAX_TAG_BYTES = 256
EVERYTHING = "*"
VIEWER = "viewer:"


def tag_mistake(tag: object) -> str | None:
    """Why `tag` is not a tag (1 to 256 bytes of UTF-8 without control characters), or None if it is one."""
    # Nearly every tag, and a process that starts looks at a million of them.
    if isinstance(tag, str) and tag.isascii() and tag.isprintable() and 1 <= len(tag) <= MAX_TAG_BYTES:
        return None
    if not isinstance(tag, str):
        return f"a tag is a string, not {type(tag).__name__}"
    try:
        size = len(tag.encode())
    except UnicodeEncodeError:
        return "a tag is valid Unicode, without lone surrogates"
    if not 1 <= size <= MAX_TAG_BYTES:
        return f"a tag has 1 to {MAX_TAG_BYTES} bytes, this one has {size}"
    return "a tag has no control characters" if has_control(tag) else None


def has_control(text: str) -> bool:
    """Does the text hold a control character (Unicode category Cc)?"""
    return not text.isprintable() and any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)


def implicit_tags(fragment: str, mbu: str) -> tuple[str, ...]:
    """The tags that every entry of a fragment has without saying so."""
    return (f"fragment:{fragment}", f"mbu:{mbu}", EVERYTHING)


def screen_tag(screen: str) -> str:
    """The tag that every view of a screen has without saying so."""
    return f"screen:{screen}"


def viewer_tag(subject: str) -> str:
    """The tag of everything that is one viewer's; an invalidation of it forbids every fallback."""
    return f"{VIEWER}{subject}"


def union(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """All tags of the groups, each once, in the order of first appearance."""
    return tuple(dict.fromkeys(chain.from_iterable(groups)))

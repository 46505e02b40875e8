"""The words for a slot's shape: which members it picks, omits and renames."""

from aggregator.model.shape import Shape


def shape_words(shape: Shape) -> str:
    """Such as "pick name, avatar.url; rename avatar.url → href"."""
    pick, omit, rename = (_parted(part) for part in _parted(shape.text.encode()))
    renamed = [f"{path.decode()} → {name.decode()}" for path, name in zip(rename[::2], rename[1::2], strict=True)]
    named = {"pick": [path.decode() for path in pick], "omit": [path.decode() for path in omit], "rename": renamed}
    return "; ".join(f"{what} {', '.join(members)}" for what, members in named.items() if members)


def _parted(text: bytes) -> list[bytes]:
    """The parts that `model.keys.canonical` put together."""
    parts = []
    while text:
        size, _, rest = text.partition(b":")
        parts.append(rest[: int(size)])
        text = rest[int(size) :]
    return parts

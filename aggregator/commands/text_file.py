"""A file that holds a secret which a command needs, so that it does not stand on the command line."""

from aggregator.commands.refusal import Refusal

_LONGEST = 16_384


def text_of_file(name: str, path: str) -> str:
    """Its text without the line's end; Refusal, by the `name` of what was to be read, if it cannot be had."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(_LONGEST).rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise Refusal(f"{name}: the file {path} cannot be read: {reason}") from None

"""A template is text with {placeholders}: the target an MBU is asked for, or a tag."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

_SEPARATOR = re.compile(r"[/\\]")
# A name, or what stands behind one of a request's own parts: {user_id}, {query.page}, {header.accept-language}.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)\}")


class TemplateMistake(ValueError):
    """The template's text is not a template; the message says where."""


@dataclass(frozen=True, slots=True)
class Template:
    """`parts` alternates literal text and placeholder names, beginning and ending with literal text."""

    text: str
    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Read `text`; TemplateMistake on a brace that is not part of a placeholder."""
        parts = tuple(_PLACEHOLDER.split(text))
        for literal in parts[::2]:
            if "{" in literal or "}" in literal:
                raise TemplateMistake(f'"{text}" has a brace outside a placeholder such as {{user_id}}')
        return cls(text, parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders, each once."""
        return tuple(dict.fromkeys(self.parts[1::2]))

    def render(self, values: Mapping[str, str]) -> str:
        """The text with every value put in as it is."""
        filled = list(self.parts)
        filled[1::2] = [values[name] for name in self.parts[1::2]]
        return "".join(filled)

    def render_target(self, values: Mapping[str, str]) -> str | None:
        """The text with every value percent-encoded, so that none can leave its place in path or query.

        None if a path segment would be "." or "..", or become one where an MBU decodes %2F before it splits the path:
        no encoding keeps those from being resolved (RFC 3986, 6.2.2.3).
        """
        filled = list(self.parts)
        filled[1::2] = [_quoted(values[name]) for name in self.parts[1::2]]
        target = "".join(filled)
        path = target.partition("?")[0]
        # Most have no dot, and then there is nothing to take apart.
        if "." not in path and "%" not in path:
            return target
        return None if any(map(_resolves, path.split("/"))) else target

    @property
    def in_path(self) -> tuple[str, ...]:
        """The placeholders of a target that stand before its query."""
        before = next((at for at, text in enumerate(self.parts[::2]) if "?" in text), len(self.parts))
        return self.parts[1 : 2 * before : 2]


def _quoted(value: str) -> str:
    return value if value.isascii() and value.isalnum() else quote(value, safe="")


def _resolves(segment: str) -> bool:
    return any(part in (".", "..") for part in _SEPARATOR.split(unquote(segment)))

"""A source says where an input of a fragment comes from: a part of the request, or the payload of another slot."""

from dataclasses import dataclass

from aggregator.model.payload_path import EACH, PayloadPath

# What a request has besides its path, each named like `query.page`; no slot may be called so.
REQUEST_PARTS = ("viewer", "header", "query", "cookie")


@dataclass(frozen=True, slots=True)
class Source:
    """text: as it was written. slot: whose payload it is read from; None where it is an input of the request, which is
    then called `text`. path: where in that payload."""

    text: str
    slot: str | None
    path: PayloadPath

    @classmethod
    def of_request(cls, name: str) -> "Source":
        """The request's input of that name: "user_id", "query.page", "viewer.sub"."""
        return cls(name, None, PayloadPath("", ()))

    @classmethod
    def parse(cls, text: str, parameters: frozenset[str] = frozenset()) -> "Source":
        """Read "feed.owner_id" or "query.page"; PathMistake if it is neither. parameters: the names in the screen's
        path, which are inputs of the request too."""
        first, _, _ = text.partition(".")
        if first in REQUEST_PARTS or text in parameters:
            return cls.of_request(text)
        path = PayloadPath.parse(text)
        return cls(text, path.steps[0], PayloadPath(text, path.steps[1:]))

    @property
    def is_list(self) -> bool:
        """Does it name the elements of a list, and not one value?"""
        return EACH in self.path.steps

    @property
    def list_text(self) -> str:
        """The list it walks: what stands before its last `[*]`."""
        return self.text.rpartition("[*]")[0]

"""Publishing over HTTP: who may invalidate which tags, and what a body must look like."""

import hmac
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aggregator.credentials import Credential, Unreadable
from aggregator.http.problems import Reply, problem
from aggregator.model.catalogue import Publisher
from aggregator.model.tags import tag_mistake

MAX_BODY = 256 * 1024
HOW_TO_DECLARE = (
    "No publishers are declared, so nobody may invalidate over HTTP. Declare one: "
    '[publishers.users] with key_env = "USERS_KEY" and tags = ["user:*"].'
)


class Invalidation(BaseModel):
    """The body of POST /invalidations."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tags: list[str] = Field(min_length=1, max_length=1_000)
    id: str | None = Field(default=None, max_length=128)


def read_invalidation(body: bytes) -> Invalidation | Reply:
    """The invalidation in a body, or what is wrong with it: 413, 400 (no JSON), 422 (another shape, a wrong tag)."""
    if len(body) > MAX_BODY:
        return problem(413, f"The body is longer than the {MAX_BODY} bytes that are taken.")
    try:
        wanted = Invalidation.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        return problem(400 if first["type"] == "json_invalid" else 422, f"{where}: {first['msg']}")
    mistakes = [f"tags.{index}: {mistake}" for index, tag in enumerate(wanted.tags) if (mistake := tag_mistake(tag))]
    return problem(422, mistakes[0]) if mistakes else wanted


class Publishers:
    """Tells publishers by their keys. A key file is read again when it changes, and may hold two keys, one a line, so
    that a key can be changed without a moment in which neither is valid."""

    def __init__(self, publishers: Iterable[Publisher]) -> None:
        self.declare(publishers)

    def declare(self, publishers: Iterable[Publisher]) -> None:
        """Tell these from now on, and no others."""
        self._publishers = [(publisher, Credential(publisher.key)) for publisher in publishers]

    def permit(self, authorization: str, tags: Iterable[str]) -> Publisher | Reply:
        """The publisher whose key this is, if it may invalidate all the tags; else 401 or 403."""
        if not self._publishers:
            return problem(403, HOW_TO_DECLARE)
        scheme, _, key = authorization.partition(" ")
        publisher = self._by_key(key.strip().encode()) if scheme.lower() == "bearer" else None
        if publisher is None:
            detail = "Send the key of a declared publisher: Authorization: Bearer <key>."
            return problem(401, detail, www_authenticate="Bearer")
        refused = next((tag for tag in tags if not publisher.may(tag)), None)
        if refused is not None:
            return problem(403, f'[publishers.{publisher.name}] tags does not grant "{refused}".')
        return publisher

    def _by_key(self, key: bytes) -> Publisher | None:
        """Every key is compared, each in constant time, so that the time tells nothing."""
        found = None
        for publisher, credential in self._publishers:
            for valid in _keys(credential):
                if hmac.compare_digest(valid, key):
                    found = publisher
        return found


def _keys(credential: Credential) -> list[bytes]:
    try:
        lines = credential.read().splitlines()
    except Unreadable:
        return []  # being replaced, perhaps; it is logged, and the publisher is told 401
    return [line.strip() for line in lines if line.strip()]

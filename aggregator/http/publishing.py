"""Publishing over HTTP: who may invalidate which tags, and what a body must look like."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import Headers

from aggregator.http.problems import Reply, problem
from aggregator.http.publisher_keys import PublisherKeys
from aggregator.http.signatures import COVERED, Message, NotSigned, verified
from aggregator.invalidation.log import LogUnavailable
from aggregator.invalidation.nonces import WINDOW, Nonces
from aggregator.model.catalogue import Publisher
from aggregator.model.tags import tag_mistake
from aggregator.model.turn import Pace, Turns

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
    """The invalidation in a body, or what is wrong with it: 400 (no JSON), 422 (another shape, a wrong tag)."""
    try:
        wanted = Invalidation.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        return problem(400 if first["type"] == "json_invalid" else 422, f"{where}: {first['msg']}")
    mistakes = [f"tags.{index}: {mistake}" for index, tag in enumerate(wanted.tags) if (mistake := tag_mistake(tag))]
    return problem(422, mistakes[0]) if mistakes else wanted


class Publishers:
    """Tells publishers by their keys, or by the signatures that these make; none is told by both, so that a key which
    was sent once cannot sign. clock: monotonic seconds, for their rates."""

    def __init__(
        self, publishers: Iterable[Publisher], nonces: Nonces, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._nonces, self._clock = nonces, clock
        self.declare(publishers)

    def declare(self, publishers: Iterable[Publisher]) -> None:
        """Tell these from now on, and no others."""
        self._known = [(publisher, PublisherKeys(publisher), Turns()) for publisher in publishers]

    async def permit(self, message: Message, body: bytes, tags: Iterable[str]) -> Publisher | Reply:
        """The publisher who sent the request, if it may invalidate all the tags now; else 401, 403, 429 or 503."""
        if not self._known:
            return problem(403, HOW_TO_DECLARE)
        signed = "signature-input" in message.headers or "signature" in message.headers
        publisher = await self._by_signature(message, body) if signed else self._by_key(message.headers)
        if isinstance(publisher, Reply):
            return publisher
        refused = next((tag for tag in tags if not publisher.may(tag)), None)
        if refused is not None:
            return problem(403, f'[publishers.{publisher.name}] tags does not grant "{refused}".')
        return self._in_time(publisher)

    def _by_key(self, headers: Headers) -> Publisher | Reply:
        """Every key is compared, each in constant time and as a digest, so that the time tells nothing."""
        sent = headers.getlist("authorization")
        scheme, _, key = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
        given, found = _digest(key.strip(" ").encode("latin-1")), None
        for publisher, keys, _ in self._known:
            for valid in keys.now() if publisher.signed is None else ():
                if isinstance(valid, bytes) and hmac.compare_digest(_digest(valid), given):
                    found = publisher
        if found is None or scheme.lower() != "bearer":
            detail = "Send the key of a declared publisher, once: Authorization: Bearer <key>."
            return problem(401, detail, www_authenticate="Bearer")
        return found

    async def _by_signature(self, message: Message, body: bytes) -> Publisher | Reply:
        for publisher, keys, _ in self._known:
            if publisher.signed is None:
                continue
            try:
                signed = verified(message, body, publisher.name, publisher.signed, keys.now())
                seen = await self._nonces.take(publisher.name, signed.nonce, signed.created)
            except NotSigned:
                continue
            except LogUnavailable:
                return problem(
                    503, "Whether the nonce is new cannot be known; nothing was invalidated. Try again.", 1.0
                )
            return publisher if seen == "first" else _unsigned(_NOT_NEW[seen])
        return _unsigned(f"Sign with the key of a publisher that is declared so, over {', '.join(COVERED)}.")

    def _in_time(self, publisher: Publisher) -> Publisher | Reply:
        [turns] = (turns for known, _, turns in self._known if known is publisher)
        wait = turns.take(Pace(1 / publisher.rate, publisher.rate), self._clock())
        if wait:
            return problem(429, f"[publishers.{publisher.name}] rate is {publisher.rate} requests a second.", wait)
        return publisher


_NOT_NEW = {
    "again": "This signed request was sent before; sign each with a nonce of its own.",
    "late": f"The signature's created is not within {WINDOW} s of now.",
}


def _unsigned(detail: str) -> Reply:
    return problem(401, detail, www_authenticate="Signature")


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()

"""A direct answer is made without ASGI: to a request that is understood completely, and that is no plain hit."""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import structlog

from aggregator.engine.answer import Answer, Refused
from aggregator.engine.serve import Sought
from aggregator.http.blocks import read_headers
from aggregator.http.clients import Clients
from aggregator.http.cors import origin_of
from aggregator.http.cut_off import cut_off
from aggregator.http.heads import raw
from aggregator.http.health import HEALTH_PATHS
from aggregator.http.hits import Hits
from aggregator.http.making import Making
from aggregator.http.negotiation import request_id
from aggregator.http.offer import Offer, Offered
from aggregator.http.problems import Reply
from aggregator.http.rates import Rates
from aggregator.http.replies import Wanted, defect, reply_with
from aggregator.model.entry import Entry
from aggregator.model.inputs import Inputs
from aggregator.model.screen import Screen
from aggregator.tiers.tier import TierUnavailable

# What every parser takes for a path and a query (RFC 9112, section 3.2.1); two slashes may begin an authority.
_TARGET = re.compile(rb"(/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)(?:\?([A-Za-z0-9._~!$&'()*+,;=:@%/?-]*))?")
_HEALTH = frozenset(path.encode() for path in HEALTH_PATHS)
Done = Callable[[bytes], None]


class Asked(NamedTuple):
    """A request for a screen. offer: what it is answered out of. path: as it came. name: its id. head: is it one to
    HEAD? origin: of the page that asks, empty where none is told. client: the address of who asks."""

    offer: Offer
    screen: Screen
    path: bytes
    inputs: Inputs
    wanted: Wanted
    name: str
    head: bool
    origin: str
    client: str


class Direct:
    """What L2 answers takes no task, only a callback; what has to be composed takes one.

    largest: bytes of a target, and of all headers, that are read here at all. date: gives the Date field.
    clients: tells who asks. rates: says how often they may.
    """

    def __init__(
        self,
        hits: Hits,
        offered: Offered,
        making: Making,
        date: Callable[[], str],
        largest: tuple[int, int],
        clients: Clients,
        rates: Rates,
    ) -> None:
        self.hits = hits
        self._offered = offered
        self._making = making
        self._date = date
        self._largest = largest
        self._clients, self._rates = clients, rates
        self._tasks: set[asyncio.Task[None]] = set()

    def hits_of(self, peer: str) -> Hits:
        """See `Quick`."""
        return self.hits

    def begin(self, data: bytes, done: Done, peer: str) -> bool:
        """See `Quick`."""
        asked = self._understood(data, peer)
        if asked is None:
            return False
        try:
            found = asked.offer.screens.begin(asked.screen, asked.inputs)
        except Exception:
            asyncio.get_running_loop().call_soon(done, self._defect(asked))
            return True
        if isinstance(found, Sought) and not found.unproven and (refusal := self._rates.refusal(asked.client)):
            asyncio.get_running_loop().call_soon(done, self._raw(asked, refusal))
        elif isinstance(found, Sought):
            reading = asked.offer.screens.read(found)
            reading.add_done_callback(partial(self._read, asked, found, done))
        else:
            asyncio.get_running_loop().call_soon(lambda: done(self._replied(asked, found)))
        return True

    async def close(self) -> None:
        """Give up what is being composed."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _understood(self, data: bytes, peer: str) -> Asked | None:
        method, _, rest = data.partition(b" ")
        target, _, block = rest.partition(b" ")
        if method not in (b"GET", b"HEAD") or len(target) > self._largest[0] or len(block) > self._largest[1]:
            return None
        match, headers = _TARGET.fullmatch(target), read_headers(block)
        if match is None or headers is None or match[1] in _HEALTH:
            return None
        offer = self._offered.now
        found = offer.routes.find(match[1])
        if found is None:
            return None
        screen, values = found
        inputs = offer.inputs.read_now(screen, values, match[2] or b"", headers)
        if not isinstance(inputs, Inputs):
            return None
        name = request_id(headers.get(b"x-request-id"))
        wanted, origin, client = Wanted.by(headers), origin_of(headers), self._clients.of(peer, headers)
        return Asked(offer, screen, match[1], inputs, wanted, name, method == b"HEAD", origin, client)

    def _read(self, asked: Asked, sought: Sought, done: Done, reading: "asyncio.Future[list[Entry | None]]") -> None:
        try:
            entry = _entry_of(reading)
            answer = asked.offer.screens.taken(sought, entry)
        except Exception:
            done(self._defect(asked))
            return
        if answer:
            done(self._replied(asked, answer))
            return
        task = asyncio.get_running_loop().create_task(self._compose(asked, sought, entry, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _compose(self, asked: Asked, sought: Sought, entry: Entry | None, done: Done) -> None:
        with structlog.contextvars.bound_contextvars(request_id=asked.name):
            try:
                answer = await asked.offer.screens.composed(sought, entry)
            except asyncio.CancelledError:
                done(self._raw(asked, cut_off("HEAD" if asked.head else "GET")))
                raise
            except Exception:
                done(self._defect(asked))
                return
            done(self._replied(asked, answer))

    def _replied(self, asked: Asked, answer: Answer | Refused | None) -> bytes:
        try:
            return self._raw(asked, reply_with(asked.screen, answer, asked.wanted, self._making))
        except Exception:
            return self._defect(asked)

    def _defect(self, asked: Asked) -> bytes:
        """To be called while the exception is handled."""
        with structlog.contextvars.bound_contextvars(request_id=asked.name):
            return self._raw(asked, defect(asked.path.decode("latin-1")))

    def _raw(self, asked: Asked, reply: Reply) -> bytes:
        return raw(asked.offer.sharing.shared(reply, asked.origin), self._date(), asked.name, asked.head)


def _entry_of(reading: "asyncio.Future[list[Entry | None]]") -> Entry | None:
    try:
        return reading.result()[0]
    except TierUnavailable:
        return None

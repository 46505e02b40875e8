"""Who is asked for each fragment, through which loaders, and how long its answers are good."""

from collections.abc import Mapping

from aggregator.credentials import revealing
from aggregator.engine.fill import Source
from aggregator.engine.grant import Granting
from aggregator.engine.joining import FragmentJoining
from aggregator.imported import imported
from aggregator.model.catalogue import Catalogue, Mbu
from aggregator.model.fragment import Fragment
from aggregator.model.screen import Screen
from cache_policies.early import Early
from cache_policies.fixed import Fixed
from cache_policies.jitter import Jittered
from cache_policies.margin import Margin
from cache_policies.origin import OriginCapped
from cache_policies.policy import Lifetime, Policy
from loaders.asgi import AsgiLoader
from loaders.batching import Batching
from loaders.breaker import Breaker
from loaders.bulkhead import Bulkhead
from loaders.deadline import Deadline
from loaders.function import FunctionLoader
from loaders.gathering import Gathering, Single
from loaders.http import HttpLoader
from loaders.lifespan import Lifespan
from loaders.loader import Loader
from loaders.multiget import Multiget


def source(fragment: Fragment, catalogue: Catalogue, loaders: Mapping[str, Loader]) -> Source:
    """Who is asked for a fragment: its MBU, one call for what is wanted in one tick where it can answer many."""
    loader, mbu = loaders[fragment.mbu], catalogue.mbus[fragment.mbu]
    if fragment.batch is None:
        return Source(loader, mbu.deadline, mbu.settle)
    joining = FragmentJoining(fragment.batch, fragment.name)
    return Source(Batching(Multiget(loader, joining), fragment.batch.max, joining.group), mbu.deadline, mbu.settle)


class Connecting:
    """Makes the loaders of MBUs; those of one application in this process start it once, whenever they are made."""

    def __init__(self) -> None:
        self._lifespans: dict[str, Lifespan] = {}

    def __call__(self, mbu: Mbu) -> Loader:
        """The way to an MBU."""
        return loader(mbu, self._lifespans)


def loader(mbu: Mbu, lifespans: dict[str, Lifespan] | None = None) -> Loader:
    """The way to an MBU, from the outside in: given up when late, a turn, refused while it fails, one call each.

    lifespans: of the applications in this process, by reference, so that MBUs of one application start it once.
    """
    single = _single(mbu, {} if lifespans is None else lifespans)
    return Deadline(Bulkhead(Breaker(Gathering(single), open_for=1.0), mbu.max_in_flight), mbu.deadline)


def _single(mbu: Mbu, lifespans: dict[str, Lifespan]) -> Single:
    headers = revealing(mbu.headers)
    if mbu.app is not None:
        app = imported(mbu.app)
        lifespan = lifespans.setdefault(mbu.app, Lifespan(app))
        return AsgiLoader(app, headers, max_payload=mbu.max_payload, lifespan=lifespan)
    if mbu.call is not None:
        return FunctionLoader(imported(mbu.call), mbu.max_payload, headers)
    assert mbu.url is not None, "checked before: an MBU has one of url, app and call"
    return HttpLoader(
        mbu.url,
        headers,
        max_payload=mbu.max_payload,
        ca_file=mbu.ca_file,
        client_cert_file=mbu.client_cert_file,
        client_key_file=mbu.client_key_file,
    )


def granting(fragment: Fragment) -> Granting:
    """A fragment's lifetimes: as declared, a little shorter by chance, at most what the MBU says."""

    def policy(lifetime: Lifetime) -> Policy:
        return OriginCapped(Jittered(Fixed(lifetime), fragment.jitter))

    return Granting(policy(fragment.lifetime), policy(Lifetime(fragment.absent_for)))


def refreshing(screen: Screen) -> Policy:
    """When a screen's views are refreshed before they expire: as its most eager fragments say."""
    fragments = [slot.fragment for slot in screen.slots]
    early = Early(Fixed(Lifetime(0.0)), max(fragment.early_refresh for fragment in fragments))
    return Margin(early, max(fragment.refresh_before for fragment in fragments))

"""An offer is what one declaration has to give: routes of screens, an engine, how inputs are read, who may read."""

from typing import NamedTuple

from aggregator.engine.serve import Screens
from aggregator.http.cors import Sharing
from aggregator.http.inputs import InputReader
from aggregator.model.route import Routes
from aggregator.model.screen import Screen


class Offer(NamedTuple):
    """A request is answered out of one, from its beginning to its end."""

    routes: Routes[Screen]
    screens: Screens
    inputs: InputReader
    sharing: Sharing


class Offered:
    """now: the one that requests beginning now are answered out of; another declaration puts another there."""

    __slots__ = ("now",)

    def __init__(self, now: Offer) -> None:
        self.now = now

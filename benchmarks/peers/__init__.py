"""What else could answer the same screens with the same bytes: one file a peer."""

from benchmarks.peers import bare, bento, by_hand, floor, nginx, varnish, with_cashews
from benchmarks.peers.peer import Peer

FLOOR, LUA = floor.PEER, nginx.LUA
PEERS: tuple[Peer, ...] = (
    *(FLOOR, LUA, nginx.PROXY_CACHE, varnish.PEER),
    *(bare.PEER, by_hand.REDIS, by_hand.NO_CACHE, with_cashews.MEMORY, with_cashews.REDIS),
    *(bento.MEMORY, bento.REDIS),
)

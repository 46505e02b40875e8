"""For MBUs in Python: say which tags are invalid."""

from aggregator.invalidation.log import LogUnavailable
from aggregator.publisher.publisher import Publisher
from aggregator.publisher.sync import SyncPublisher

__all__ = ["LogUnavailable", "Publisher", "SyncPublisher"]

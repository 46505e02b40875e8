"""For MBUs in Python: say which tags are invalid, at once or out of a table of one's own database."""

from aggregator.invalidation.log import LogUnavailable
from aggregator.publisher.dialects import POSTGRESQL, SQLITE
from aggregator.publisher.outbox import Outbox
from aggregator.publisher.publisher import Publisher
from aggregator.publisher.relay import Relay
from aggregator.publisher.sync import SyncPublisher

__all__ = ["POSTGRESQL", "SQLITE", "LogUnavailable", "Outbox", "Publisher", "Relay", "SyncPublisher"]

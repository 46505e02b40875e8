"""An audit is how much of what is read is held against what its MBUs say, some time later."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Audit:
    """sample: the share of reads after which it is done. budget: views that one process looks at a second."""

    sample: float = 0.0
    budget: int = 10


NO_AUDIT = Audit()

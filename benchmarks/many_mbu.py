"""An MBU in the service's own process, which makes hundreds of thousands of views in reasonable time."""

from benchmarks.mbu import screen
from loaders.loader import LoadRequest


def home(request: LoadRequest) -> bytes:
    """4 KB, as long as what the other parts of the benchmark compose."""
    return screen(request.inputs["id"].encode())

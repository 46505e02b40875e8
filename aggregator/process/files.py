"""Open files: every connection is one, and what a process may have by default is often not enough."""

import resource


def raise_file_limit() -> int:
    """Let this process have as many open files as the system allows it; gives how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):  # macOS says that there is no limit, and takes none.
        return soft
    return hard

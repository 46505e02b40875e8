"""The rights in Redis that docs/operating.md gives to users, read from that page so that it is what is tested."""

import re
from pathlib import Path

import redis

_PAGE = Path(__file__).parent.parent / "docs" / "operating.md"


def give(client: "redis.Redis", user: str, namespace: str, *like: str, password: str = "nopass") -> None:
    """Let a user do what the page gives to those whom it calls `like`, and nothing else.

    namespace: may be a pattern. password: as ACL SETUSER takes it.
    """
    rights = [word.replace("aggregator:", f"{namespace}:") for one in like for word in _rights(one)]
    client.execute_command("ACL", "SETUSER", user, "reset", "on", password, *rights)


def denied(client: "redis.Redis") -> list[tuple[str, str, str]]:
    """What the server let nobody do: reason, user, and command or key."""
    return [(entry["reason"], entry["username"], entry["object"]) for entry in client.acl_log()]


def granted(user: str) -> set[str]:
    """The commands that the page lets a user call."""
    return {word[1:] for word in _rights(user) if word[0] == "+"}


def _rights(user: str) -> list[str]:
    says = f"ACL SETUSER {user} "
    lines = [line.removeprefix(says) for line in _PAGE.read_text().splitlines() if line.startswith(says)]
    return [word for line in lines for word in line.split() if word[0] in "~+"]


def on_clusters() -> list[str]:
    """What the page gives the service beside that on a Cluster, `aggregator forget` among it."""
    [said] = re.findall(r"A Cluster takes `([^`]+)`, and for `aggregator forget` `([^`]+)`", _PAGE.read_text())
    return " ".join(said).split()

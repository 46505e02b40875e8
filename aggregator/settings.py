"""The settings: everything an operator can set, each with its default and one line of help."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from aggregator.networks import Networks
from aggregator.servers.url import RedisUrl
from aggregator.units import Duration, DurationOrZero, Size, default

_NAMESPACE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError('expected a host name or address such as "127.0.0.1"')
    return text


def _namespace(text: str) -> str:
    if not _NAMESPACE.fullmatch(text):
        raise ValueError("expected 1 to 64 letters, digits, dots, underscores or hyphens")
    return text


def _server_url(text: str) -> str:
    RedisUrl.of(text)
    return text


Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=0, le=65535)]
ServerUrl = Annotated[str, AfterValidator(_server_url)]
Namespace = Annotated[str, AfterValidator(_namespace)]
Durability = Literal["memory", "replica", "disk"]


class Settings(BaseModel):
    """Flags win over AGGREGATOR_* variables, these over the [service] table, that over these defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    host: Host = default("127.0.0.1", description="address of the public listener")
    port: Port = default(8080, description="port of the public listener; 0 takes a free one")
    admin_host: Host = default("127.0.0.1", description="address of the admin listener")
    admin_port: Port = default(8081, description="port of the admin listener; 0 takes a free one")
    workers: int = default(1, ge=1, le=256, description="processes that answer requests")
    redis_url: ServerUrl | None = default(None, description="Redis server for L2; an embedded one where none is set")
    redis_url_file: str | None = default(None, min_length=1, description="file that holds the redis_url")
    log_url: ServerUrl | None = default(None, description="Redis server for the invalidation log; else that of L2")
    log_url_file: str | None = default(None, min_length=1, description="file that holds the log_url")
    allow_insecure_redis: bool = default(
        False, description="use a Redis server of another machine although its URL has neither TLS nor password"
    )
    allow_evicting_log: bool = default(
        False, description="start although the log's Redis server may evict the log (maxmemory-policy allkeys-*)"
    )
    namespace: Namespace = default("aggregator", description="prefix of every Redis key, the log's too")
    l1_bytes: Size = default("256MiB", description="bound of L1 in each process")
    l1_eviction: Literal["s3-fifo-adaptive", "s3-fifo", "sieve", "lru", "w-tinylfu"] = default(
        "s3-fifo-adaptive", description="what leaves L1 first when it is full"
    )
    embedded_bytes: Size = default("512MiB", description="bound of the embedded Redis server")
    durability: Durability = default("memory", description="where an invalidation is before it is acknowledged")
    log_retention: Duration = default("1h", description="how long the invalidation log is kept")
    l2_budget: Duration = default("50ms", description="how long one L2 operation may take")
    max_l2_entry: Size = default("4MiB", description="largest fragment or view that L2 is given")
    max_waiters_per_key: int = default(1_000, ge=1, description="callers that wait for one load (else stale, or 503)")
    max_waiters: int = default(10_000, ge=1, description="callers that wait for loads, in each process (else the same)")
    startup_limit: Duration = default("10s", description="ready after this at the latest, with all entries unproven")
    refresh_budget: float = default(
        200.0, ge=0, le=1e6, description="views that the fleet composes anew a second with nobody waiting"
    )
    idle_after: Duration = default("10m", description="what nobody has read for so long is not refreshed any more")
    warm_limit: DurationOrZero = default(
        "2s", description="how long a start may take what is read most from L2 before it is ready"
    )
    drain_limit: Duration = default("10s", description="how long SIGTERM waits for answers under way")
    when_unproven: Literal["reload", "serve"] = default("reload", description="what is done while the log is away")
    max_target_bytes: Size = default("8KiB", description="longest request target (else 414)")
    max_header_bytes: Size = default("32KiB", description="largest request head (else 431)")
    max_header_lines: int = default(100, ge=64, le=10_000, description="most header lines of a request (else 431)")
    trusted_proxies: Networks = default(
        (), description="networks of proxies that are believed where a request comes from"
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = default(
        "x-forwarded-for", description="the header in which these proxies say it; the other one is not read"
    )
    max_connections: int = default(10_000, ge=1, description="connections to each listener of a process (else 503)")
    max_connections_per_client: int = default(
        0, ge=0, description="connections of one client to each process (else 429); 0 sets no bound"
    )
    max_misses_per_client: int = default(
        0,
        ge=0,
        description="requests a second of one client, to each process, that L1 does not answer (else 429); 0: any",
    )
    log_level: Literal["debug", "info", "warning", "error"] = default("info", description="least level that is logged")
    access_log: float = default(0.0, ge=0, le=1, description="share of the requests that is logged, 0 to 1")
    log_format: Literal["json", "console"] = default("json", description="how log lines are written")


FROM_FILE = {"redis_url": "redis_url_file", "log_url": "log_url_file"}

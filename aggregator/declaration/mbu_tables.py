"""The tables of MBUs and their fragments: whom to ask, for what, and how long an answer is good."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Tag

from aggregator.declaration.table import FilePath, Table, text_or
from aggregator.declaration.texts import (
    FragmentPath,
    HeaderName,
    HeaderTemplate,
    HeaderValue,
    MbuUrl,
    PayloadText,
    TagPrefix,
    TagsFrom,
    TagTemplate,
)
from aggregator.imported import reference
from aggregator.units import Duration, DurationOrZero, Size, default

Reference = Annotated[str, AfterValidator(reference)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
InFlight = Annotated[int, Field(ge=1, le=100_000)]
BatchSize = Annotated[int, Field(ge=1, le=1_000)]


class SecretTable(Table):
    """Where a credential is found; exactly one of the two."""

    env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable that holds the value")
    file: FilePath | None = default(None, description="file that holds the value")


HeaderText = Annotated[
    Annotated[HeaderValue, Tag("<text>")] | Annotated[SecretTable, Tag("<table>")],
    text_or('text, or a table such as { env = "USERS_API_KEY" }'),
]


def _distinct(given: Any) -> Any:
    names = [name.lower() for name in given] if isinstance(given, dict) else []
    if len(names) != len(set(names)):
        raise ValueError("names a header twice: upper and lower case are the same here")
    return given


Headers = Annotated[dict[HeaderName, HeaderText], BeforeValidator(_distinct)]
FragmentHeaders = Annotated[dict[HeaderName, HeaderTemplate], BeforeValidator(_distinct)]


class MbuTable(Table):
    """[mbus.<name>]: one MBU and how to ask it; exactly one of url, app and call."""

    url: MbuUrl | None = default(None, description='where the MBU is, such as "http://127.0.0.1:9001"')
    app: Reference | None = default(None, description='an ASGI application in this process: "shop.users:app"')
    call: Reference | None = default(None, description='a Python callable that answers: "shop.users:fetch"')
    deadline: Duration | None = default(None, description="time for queueing and answer together")
    max_in_flight_per_process: InFlight | None = default(None, description="calls at once from one process")
    max_refreshes_per_process: InFlight | None = default(
        None, description="of these, loads at once that nobody waits for; else a quarter of them"
    )
    max_payload: Size | None = default(None, description="largest answer, decompressed")
    settle: DurationOrZero = default("0s", description="how long after an invalidation it may answer old data still")
    headers: Headers = default({}, description="headers sent with every call")
    ca_file: FilePath | None = default(None, description="PEM of the authorities that the MBU's certificate needs")
    client_cert_file: FilePath | None = default(None, description="PEM of our certificate")
    client_key_file: FilePath | None = default(None, description="PEM of our certificate's key")


class BatchTable(Table):
    """How many answers of a fragment are asked for in one call."""

    path: FragmentPath = Field(description='path and query with {ids} in it, such as "/articles?ids={ids}"')
    max: BatchSize = Field(description="ids a call, at most")
    key: PayloadText = Field(description='where each element of the answer says its id, such as "id"')
    items: PayloadText | None = default(None, description="where in the answer the list is, if it is not the answer")


class FragmentTable(Table):
    """[fragments.<name>]: one cacheable answer of one MBU."""

    mbu: str = Field(description="name of the MBU that answers")
    path: FragmentPath = Field(description='path and query at the MBU, such as "/users/{user_id}"')
    tags: list[TagTemplate] = default([], description="what an invalidation names it by")
    tags_from: TagsFrom | None = default(None, description='where the payload has further tags, such as "[*].id"')
    tags_from_prefix: TagPrefix = default("", description="what stands before each tag found in the payload")
    fresh_for: Duration | None = default(None, description="how long an answer is fresh")
    stale_while_revalidate: DurationOrZero | None = default(None, description="then served while loaded again behind")
    stale_if_error: DurationOrZero | None = default(None, description="then served where loading fails")
    serve_overtaken_on_error: DurationOrZero = default("0s", description="as that, for what was invalidated")
    on_invalidation: Literal["wait", "refresh"] | None = default(
        None, description="does the next reader wait for the new one, or get the old one, marked, while that is loaded"
    )
    absent_for: Duration | None = default(None, description='how long "there is nothing" is kept')
    jitter: Share | None = default(None, description="share by which lifetimes are shortened at random")
    early_refresh: Beta | None = default(None, description="XFetch's beta; 0 refreshes nothing before it expires")
    refresh_before: DurationOrZero | None = default(None, description="refreshed so long before it expires, if hot")
    headers: FragmentHeaders = default({}, description="headers sent with its loads, from the same placeholders")
    forward: list[HeaderName] = default([], description="the request's headers that are handed on; makes it private")
    batch: BatchTable | None = default(None, description="how many are asked for in one call")


class DefaultsTable(Table):
    """[defaults]: what fragments and MBUs do not say themselves."""

    fresh_for: Duration | None = default(None, description="how long an answer is fresh")
    stale_while_revalidate: DurationOrZero = default("0s", description="then served while loaded again behind")
    stale_if_error: DurationOrZero = default("0s", description="then served where loading fails")
    on_invalidation: Literal["wait", "refresh"] = default(
        "wait",
        description="does the next reader wait for the new one, or get the old one, marked, while that is loaded",
    )
    absent_for: Duration = default("5s", description='how long "there is nothing" is kept')
    jitter: Share = default(0.1, description="share by which lifetimes are shortened at random")
    early_refresh: Beta = default(1.0, description="XFetch's beta; 0 refreshes nothing before it expires")
    refresh_before: DurationOrZero = default("0s", description="refreshed so long before it expires, if hot")
    deadline: Duration = default("1s", description="an MBU's time for queueing and answer together")
    max_in_flight_per_process: InFlight = default(64, description="calls to one MBU at once from one process")
    max_payload: Size = default("1MiB", description="largest answer of an MBU, decompressed")

"""The tables of a declaration, as pydantic models: shape, types, units and texts, but nothing across tables."""

import json
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from aggregator.declaration.texts import (
    CookieName,
    FragmentPath,
    HeaderName,
    HeaderTemplate,
    HeaderValue,
    InputName,
    JwksUrl,
    MbuUrl,
    Name,
    PayloadText,
    PlaceText,
    ScreenPath,
    SlotName,
    SourceText,
    TagPattern,
    TagPrefix,
    TagsFrom,
    TagTemplate,
)
from aggregator.imported import reference
from aggregator.model.key_rules import Algorithm
from aggregator.settings import Settings
from aggregator.units import Duration, DurationOrZero, Size, default, shown

FilePath = Annotated[str, Field(min_length=1)]
Reference = Annotated[str, AfterValidator(reference)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
InFlight = Annotated[int, Field(ge=1, le=100_000)]
MaxItems = Annotated[int, Field(ge=1, le=1_000)]
BatchSize = Annotated[int, Field(ge=1, le=1_000)]
Sources = dict[str, SourceText]


class Table(BaseModel):
    """What all tables have in common: no unknown keys, no guessing at types, no change afterwards."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, validate_default=True, hide_input_in_errors=True
    )


def _kind(given: object) -> str | None:
    return "<text>" if isinstance(given, str) else "<table>" if isinstance(given, dict | Table) else None


def _text_or(expected: str) -> Discriminator:
    return Discriminator(_kind, custom_error_type="text_or_table", custom_error_message=f"expected {expected}")


class SecretTable(Table):
    """Where a credential is found; exactly one of the two."""

    env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable that holds the value")
    file: FilePath | None = default(None, description="file that holds the value")


HeaderText = Annotated[
    Annotated[HeaderValue, Tag("<text>")] | Annotated[SecretTable, Tag("<table>")],
    _text_or('text, or a table such as { env = "USERS_API_KEY" }'),
]


def _distinct(given: Any) -> Any:
    names = [name.lower() for name in given] if isinstance(given, dict) else []
    if len(names) != len(set(names)):
        raise ValueError("names a header twice: upper and lower case are the same here")
    return given


Headers = Annotated[dict[HeaderName, HeaderText], BeforeValidator(_distinct)]
FragmentHeaders = Annotated[dict[HeaderName, HeaderTemplate], BeforeValidator(_distinct)]


def _json(given: Any) -> Any:
    try:
        json.dumps(given, allow_nan=False)
        orjson.dumps(given)  # which writes it, and holds fewer numbers
    except (TypeError, ValueError):
        raise ValueError("expected a value that JSON has: text, finite number, true, false, list or table") from None
    return given


Literal_ = Annotated[Any, AfterValidator(_json)]


def _query_default(given: Any) -> Any:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError(f"expected a text or a whole number, not {shown(given)}")
    return str(given)


QueryDefault = Annotated[str, BeforeValidator(_query_default)]


class MbuTable(Table):
    """[mbus.<name>]: one MBU and how to ask it; exactly one of url, app and call."""

    url: MbuUrl | None = default(None, description='where the MBU is, such as "http://127.0.0.1:9001"')
    app: Reference | None = default(None, description='an ASGI application in this process: "shop.users:app"')
    call: Reference | None = default(None, description='a Python callable that answers: "shop.users:fetch"')
    deadline: Duration | None = default(None, description="time for queueing and answer together")
    max_in_flight_per_process: InFlight | None = default(None, description="calls at once from one process")
    max_payload: Size | None = default(None, description="largest answer, decompressed")
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
    absent_for: Duration | None = default(None, description='how long "there is nothing" is kept')
    jitter: Share | None = default(None, description="share by which lifetimes are shortened at random")
    early_refresh: Beta | None = default(None, description="XFetch's beta; 0 refreshes nothing before it expires")
    headers: FragmentHeaders = default({}, description="headers sent with its loads, from the same placeholders")
    forward: list[HeaderName] = default([], description="the request's headers that are handed on; makes it private")
    batch: BatchTable | None = default(None, description="how many are asked for in one call")


class DefaultsTable(Table):
    """[defaults]: what fragments and MBUs do not say themselves."""

    fresh_for: Duration | None = default(None, description="how long an answer is fresh")
    stale_while_revalidate: DurationOrZero = default("0s", description="then served while loaded again behind")
    stale_if_error: DurationOrZero = default("0s", description="then served where loading fails")
    absent_for: Duration = default("5s", description='how long "there is nothing" is kept')
    jitter: Share = default(0.1, description="share by which lifetimes are shortened at random")
    early_refresh: Beta = default(1.0, description="XFetch's beta; 0 refreshes nothing before it expires")
    deadline: Duration = default("1s", description="an MBU's time for queueing and answer together")
    max_in_flight_per_process: InFlight = default(64, description="calls to one MBU at once from one process")
    max_payload: Size = default("1MiB", description="largest answer of an MBU, decompressed")


class SlotTable(Table):
    """A slot that says more than its fragment."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    fragment: str = Field(description="name of the fragment that fills the slot")
    required: bool = default(False, description="does its failure fail the screen?")
    given: Sources = Field(default={}, alias="with", description="where inputs of the fragment come from")
    each: Sources = default({}, description="inputs taken from a list: the slot is then a list, in its order")
    max_items: MaxItems | None = default(None, description="elements at most [100]")
    at: PlaceText | None = default(None, description='its place in data, such as "profile.user"; else its name')
    pick: list[str] = default([], description="the only members of its payload that are shown")
    omit: list[str] = default([], description="members of its payload that are left out")
    rename: dict[str, str] = default({}, description="other names for members of its payload")
    fallback_fragment: str | None = default(None, description="what is shown where it cannot be had, if that can")
    fallback: Literal_ = default(None, description="what is shown where it cannot be had: a value as it is")


SlotText = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[SlotTable, Tag("<table>")],
    _text_or('a fragment\'s name, or a table such as { fragment = "user", required = true }'),
]


class QueryTable(Table):
    """A query parameter that a screen takes."""

    type: Literal["str", "int", "uuid"] = default("str", description="str, int or uuid")
    default: QueryDefault | None = default(None, description="its value where it is not given; without, it has to be")


class ScreenTable(Table):
    """[screens.<name>]: one composite, served at one path."""

    path: ScreenPath = Field(description='path it is served at, such as "/screens/home/{user_id}"')
    slots: dict[SlotName, SlotText] = Field(min_length=1, description="its slots, in order")
    query: dict[InputName, QueryTable] = default({}, description="query parameters it takes, as {query.NAME}")
    headers: list[HeaderName] = default([], description="request headers it takes, as {header.NAME}")
    cookies: list[CookieName] = default([], description="cookies it takes, as {cookie.NAME}")
    deadline: Duration | None = default(None, description="time to compose it; what is late then is a failed slot")
    slots_header: bool = default(True, description="does each answer say the state of its slots (Aggregator-Slots)?")
    client_max_age: Duration | None = default(None, description="how long a client may use an answer unasked")


class PublisherTable(Table):
    """[publishers.<name>]: who may invalidate what; exactly one of key_env and key_file."""

    key_env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable that holds the key")
    key_file: FilePath | None = default(None, description="file that holds the key, or two keys on two lines")
    tags: list[TagPattern] = Field(min_length=1, description="tags it may invalidate; * stands for any text")


class ViewerKeyTable(Table):
    """[[viewer.keys]]: one way to verify viewers' tokens; exactly one of the four sources."""

    algorithm: Algorithm = Field(description='the only one that a token may be signed with, such as "RS256"')
    public_key_file: FilePath | None = default(None, description="PEM of the issuer's public key or certificate")
    secret_env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable with HS256's secret")
    secret_file: FilePath | None = default(None, description="file with HS256's secret")
    jwks_url: JwksUrl | None = default(None, description="where the issuer publishes its keys, as a JWK Set")
    audience: Annotated[str, Field(min_length=1)] | None = default(None, description='what "aud" has to name')
    issuer: Annotated[str, Field(min_length=1)] | None = default(None, description='what "iss" has to be')
    leeway: DurationOrZero = default("0s", description="by how much the issuer's clock may differ")


class ViewerTable(Table):
    """[viewer]: how viewers are told."""

    keys: list[ViewerKeyTable] = Field(min_length=1, description="what verifies their tokens, as [[viewer.keys]]")
    hash_key_env: Annotated[str, Field(min_length=1)] | None = default(
        None, description="variable with the key of the hashes that stand for cookies and forwarded headers"
    )
    hash_key_file: FilePath | None = default(None, description="file with that key")


def _version(given: Any) -> Any:
    if type(given) is not int or given != 1:
        raise ValueError(f"expected version = 1, not {shown(given)}")
    return given


class Declaration(Table):
    """A whole file."""

    version: Annotated[Literal[1], BeforeValidator(_version)] = Field(description="1, the version of this format")
    service: Settings = default(Settings(), description="what an operator can set")
    defaults: DefaultsTable = default(DefaultsTable(), description="what fragments and MBUs do not say themselves")
    mbus: dict[Name, MbuTable] = Field(min_length=1, description="the MBUs, as [mbus.<name>]")
    fragments: dict[Name, FragmentTable] = Field(min_length=1, description="the fragments, as [fragments.<name>]")
    screens: dict[Name, ScreenTable] = Field(min_length=1, description="the screens, as [screens.<name>]")
    publishers: dict[Name, PublisherTable] = default({}, description="who may invalidate, as [publishers.<name>]")
    viewer: ViewerTable | None = default(None, description="how viewers are told")

"""The tables of a declaration, as pydantic models: shape, types, units and texts, but nothing across tables."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from aggregator.declaration.texts import (
    FragmentPath,
    HeaderName,
    HeaderValue,
    MbuUrl,
    Name,
    ScreenPath,
    SlotName,
    TagPattern,
    TagPrefix,
    TagsFrom,
    TagTemplate,
)
from aggregator.settings import Settings
from aggregator.units import Duration, DurationOrZero, Size, default, shown

FilePath = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
InFlight = Annotated[int, Field(ge=1, le=100_000)]


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


class MbuTable(Table):
    """[mbus.<name>]: one MBU and how to ask it."""

    url: MbuUrl = Field(description='where the MBU is, such as "http://127.0.0.1:9001"')
    deadline: Duration | None = default(None, description="time for queueing and answer together")
    max_in_flight_per_process: InFlight | None = default(None, description="calls at once from one process")
    max_payload: Size | None = default(None, description="largest answer, decompressed")
    headers: Headers = default({}, description="headers sent with every call")
    ca_file: FilePath | None = default(None, description="PEM of the authorities that the MBU's certificate needs")
    client_cert_file: FilePath | None = default(None, description="PEM of our certificate")
    client_key_file: FilePath | None = default(None, description="PEM of our certificate's key")


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
    absent_for: Duration | None = default(None, description='how long "there is nothing" is kept')
    jitter: Share | None = default(None, description="share by which lifetimes are shortened at random")
    early_refresh: Beta | None = default(None, description="XFetch's beta; 0 refreshes nothing before it expires")


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

    fragment: str = Field(description="name of the fragment that fills the slot")
    required: bool = default(False, description="does its failure fail the screen?")


SlotText = Annotated[
    Annotated[str, Tag("<text>")] | Annotated[SlotTable, Tag("<table>")],
    _text_or('a fragment\'s name, or a table such as { fragment = "user", required = true }'),
]


class ScreenTable(Table):
    """[screens.<name>]: one composite, served at one path."""

    path: ScreenPath = Field(description='path it is served at, such as "/screens/home/{user_id}"')
    slots: dict[SlotName, SlotText] = Field(min_length=1, description="its slots, in order")
    client_max_age: Duration | None = default(None, description="how long a client may use an answer unasked")


class PublisherTable(Table):
    """[publishers.<name>]: who may invalidate what; exactly one of key_env and key_file."""

    key_env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable that holds the key")
    key_file: FilePath | None = default(None, description="file that holds the key, or two keys on two lines")
    tags: list[TagPattern] = Field(min_length=1, description="tags it may invalidate; * stands for any text")


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

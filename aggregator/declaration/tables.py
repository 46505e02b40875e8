"""The tables of a declaration, as pydantic models: shape, types, units and texts, but nothing across tables."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from aggregator.declaration.cors_table import CorsTable
from aggregator.declaration.mbu_tables import BatchTable, DefaultsTable, FragmentTable, MbuTable, SecretTable
from aggregator.declaration.screen_tables import QueryTable, ScreenTable, SlotTable
from aggregator.declaration.table import FilePath, Table
from aggregator.declaration.texts import JwksUrl, Name, TagPattern
from aggregator.model.key_rules import Algorithm
from aggregator.settings import Settings
from aggregator.units import DurationOrZero, default, shown

__all__ = [
    "AuditTable",
    "BatchTable",
    "CorsTable",
    "Declaration",
    "DefaultsTable",
    "FragmentTable",
    "MbuTable",
    "PublisherTable",
    "QueryTable",
    "ScreenTable",
    "SecretTable",
    "SlotTable",
    "Table",
    "ViewerKeyTable",
    "ViewerTable",
]


class PublisherTable(Table):
    """[publishers.<name>]: who may invalidate what; exactly one of key_env and key_file."""

    key_env: Annotated[str, Field(min_length=1)] | None = default(None, description="variable that holds the key")
    key_file: FilePath | None = default(None, description="file that holds the key, or several, one a line")
    tags: list[TagPattern] = Field(min_length=1, description="tags it may invalidate; * stands for any text")
    signed: Literal["hmac-sha256", "ed25519"] | None = default(
        None,
        description="how its requests have to be signed (RFC 9421), with its name as keyid; else they bring the key",
    )
    rate: int = default(200, ge=1, le=100_000, description="requests a second that are taken from it (else 429)")


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


class AuditTable(Table):
    """[audit]: what was read is held against what its MBUs say, 1, 10 and 60 s later."""

    sample: float = default(
        0.0, ge=0, le=1, allow_inf_nan=False, description="share of the reads after which that is done; 0 = of none"
    )
    budget: int = default(10, ge=1, le=1_000, description="views that one process looks at a second")


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
    cors: CorsTable = default(CorsTable(), description="whose pages may read answers in a browser")
    audit: AuditTable = default(AuditTable(), description="which views are audited, and how many")

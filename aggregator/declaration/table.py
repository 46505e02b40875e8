"""What all tables of a declaration have in common: no unknown keys, no guessing at types, no change afterwards."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Discriminator, Field

FilePath = Annotated[str, Field(min_length=1)]


class Table(BaseModel):
    """What all tables have in common: no unknown keys, no guessing at types, no change afterwards."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, validate_default=True, hide_input_in_errors=True
    )


def _kind(given: object) -> str | None:
    return "<text>" if isinstance(given, str) else "<table>" if isinstance(given, dict | Table) else None


def text_or(expected: str) -> Discriminator:
    return Discriminator(_kind, custom_error_type="text_or_table", custom_error_message=f"expected {expected}")

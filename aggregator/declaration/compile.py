"""Compilation: a declaration without mistakes becomes a catalogue, its defaults filled in."""

import os
from typing import TypeVar

from aggregator.declaration.screens import screen_of
from aggregator.declaration.tables import (
    CorsTable,
    Declaration,
    DefaultsTable,
    FragmentTable,
    MbuTable,
    PublisherTable,
    SecretTable,
    ViewerKeyTable,
)
from aggregator.declaration.written import varying_inputs
from aggregator.model.audit import Audit
from aggregator.model.batch import Batch
from aggregator.model.catalogue import Catalogue, Mbu, Publisher, Secret, ViewerKey
from aggregator.model.cors import Cors
from aggregator.model.fragment import Fragment
from aggregator.model.payload_path import PayloadPath
from aggregator.model.template import Template
from cache_policies.policy import Lifetime

T = TypeVar("T")


def compile_catalogue(declaration: Declaration, folder: str) -> Catalogue:
    """The catalogue; relative file names are taken from `folder`."""
    defaults = declaration.defaults
    viewer, cors = declaration.viewer, _cors(declaration.cors)
    fragments = {name: _fragment(name, table, defaults) for name, table in declaration.fragments.items()}
    return Catalogue(
        mbus={name: _mbu(name, table, defaults, folder) for name, table in declaration.mbus.items()},
        fragments=fragments,
        screens={
            name: screen_of(name, table, fragments, cors is not None) for name, table in declaration.screens.items()
        },
        publishers={name: _publisher(name, table, folder) for name, table in declaration.publishers.items()},
        viewer_keys=tuple(_viewer_key(key, folder) for key in viewer.keys) if viewer else (),
        hash_key=_if_any(viewer.hash_key_env, viewer.hash_key_file, folder) if viewer else None,
        cors=cors,
        audit=Audit(declaration.audit.sample, declaration.audit.budget),
    )


def _fragment(name: str, table: FragmentTable, defaults: DefaultsTable) -> Fragment:
    return Fragment(
        name=name,
        mbu=table.mbu,
        path=Template.parse(table.path),
        tags=tuple(map(Template.parse, table.tags)),
        lifetime=_lifetime(table, defaults),
        absent_for=_first(table.absent_for, defaults.absent_for),
        jitter=_first(table.jitter, defaults.jitter),
        early_refresh=_first(table.early_refresh, defaults.early_refresh),
        refresh_before=_first(table.refresh_before, defaults.refresh_before),
        tags_from=PayloadPath.parse(table.tags_from) if table.tags_from else None,
        tags_from_prefix=table.tags_from_prefix,
        headers={header: Template.parse(text) for header, text in table.headers.items()},
        forward=tuple(table.forward),
        batch=_batch(table),
        serves_overtaken=_first(table.on_invalidation, defaults.on_invalidation) == "refresh",
    )


def _batch(table: FragmentTable) -> Batch | None:
    if table.batch is None:
        return None
    [varying] = varying_inputs(table)
    items = PayloadPath.parse(table.batch.items) if table.batch.items else None
    return Batch(Template.parse(table.batch.path), varying, PayloadPath.parse(table.batch.key), table.batch.max, items)


def _lifetime(table: FragmentTable, defaults: DefaultsTable) -> Lifetime:
    fresh_for = table.fresh_for if table.fresh_for is not None else defaults.fresh_for
    assert fresh_for is not None, "checked before: a fragment without it is a mistake"
    return Lifetime(
        fresh_for,
        _first(table.stale_while_revalidate, defaults.stale_while_revalidate),
        _first(table.stale_if_error, defaults.stale_if_error),
        table.serve_overtaken_on_error,
    )


def _first(said: T | None, default: T) -> T:
    return default if said is None else said


def _mbu(name: str, table: MbuTable, defaults: DefaultsTable, folder: str) -> Mbu:
    in_flight = _first(table.max_in_flight_per_process, defaults.max_in_flight_per_process)
    return Mbu(
        name=name,
        url=table.url.rstrip("/") if table.url else None,
        deadline=_first(table.deadline, defaults.deadline),
        max_in_flight=in_flight,
        max_payload=_first(table.max_payload, defaults.max_payload),
        headers={
            header: _secret(text, folder) if isinstance(text, SecretTable) else text
            for header, text in table.headers.items()
        },
        ca_file=_in(folder, table.ca_file),
        client_cert_file=_in(folder, table.client_cert_file),
        client_key_file=_in(folder, table.client_key_file),
        app=table.app,
        call=table.call,
        max_refreshes=_first(table.max_refreshes_per_process, max(1, in_flight // 4)),
        settle=table.settle,
    )


def _publisher(name: str, table: PublisherTable, folder: str) -> Publisher:
    key = Secret(table.key_env, _in(folder, table.key_file))
    return Publisher(name, key, tuple(table.tags), table.signed, table.rate)


def _cors(table: CorsTable) -> Cors | None:
    return Cors(tuple(table.origins), table.credentials, table.max_age) if table.origins else None


def _viewer_key(table: ViewerKeyTable, folder: str) -> ViewerKey:
    return ViewerKey(
        algorithm=table.algorithm,
        public_key_file=_in(folder, table.public_key_file),
        secret=_if_any(table.secret_env, table.secret_file, folder),
        jwks_url=table.jwks_url,
        audience=table.audience,
        issuer=table.issuer,
        leeway=table.leeway,
    )


def _if_any(env: str | None, file: str | None, folder: str) -> Secret | None:
    return Secret(env, _in(folder, file)) if env or file else None


def _secret(table: SecretTable, folder: str) -> Secret:
    return Secret(table.env, _in(folder, table.file))


def _in(folder: str, file: str | None) -> str | None:
    return None if file is None else os.path.join(folder, file)

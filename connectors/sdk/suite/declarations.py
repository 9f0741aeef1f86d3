# ruff: noqa: S101  - assertions are what a test is made of
"""What a connector says of itself is complete, and true as far as can be seen from outside."""

import re
from datetime import timedelta
from typing import Any

import yaml
from pydantic import ValidationError

from connectors.sdk.contract import Settings, StreamSettings
from connectors.sdk.registry import default_mapping
from connectors.sdk.suite.vendor import Rig, needs
from connectors.sdk.suite.windows import Missing, at, read


class Declarations:
    def test_the_connector_says_who_it_is(self, rig: Rig) -> None:
        connector = rig.connector

        assert re.fullmatch(r"[a-z][a-z0-9_]*", connector.name), "`name` is what an operator writes"
        assert connector.label.strip()
        assert connector.unit.strip()
        assert connector.role in ("crm", "files", "cem")
        assert issubclass(connector.settings, Settings)
        assert issubclass(connector.stream_settings, StreamSettings)

    def test_settings_refuse_keys_that_they_do_not_know(self, rig: Rig) -> None:
        assert rig.connector.settings.model_config.get("extra") == "forbid"
        assert rig.connector.stream_settings.model_config.get("extra") == "forbid"

    def test_settings_hide_what_was_written(self, rig: Rig) -> None:
        """A secret in the wrong place must not come back in the error about it."""
        said = ""
        try:
            rig.connector.settings.model_validate({"no_such_key": "s3cr3t-in-the-wrong-place"})
        except ValidationError as exc:
            said = str(exc)

        assert said, "an unknown key is an error"
        assert "s3cr3t-in-the-wrong-place" not in said

    def test_the_account_is_named(self, rig: Rig) -> None:
        account = rig.connector.account()

        assert account.id
        assert account.name
        assert account.identity
        assert account.country is None or re.fullmatch("[A-Z]{2}", account.country)
        assert account.currency is None or re.fullmatch("[A-Z]{3}", account.currency)
        assert set(account.missing) <= set(rig.connector.streams)

    def test_what_is_shown_of_the_connector_holds_no_secret(self, rig: Rig) -> None:
        shown = f"{rig.connector!r} {rig.connector.account()!r}"

        assert not [secret for secret in rig.vendor.secrets if secret in shown]

    def test_the_declaration_is_complete(self, rig: Rig, stream: str) -> None:
        spec = rig.spec(stream)

        assert spec.page_size > 0
        assert spec.batch > 0
        assert spec.cap is None or spec.cap >= spec.page_size
        assert spec.resolution > timedelta(0)
        assert spec.hold_back >= timedelta(0)
        assert spec.removals or spec.removals_reach is None, "a reach of removals, and no removals"
        assert spec.parent is None or spec.parent in rig.connector.streams
        assert "create" in spec.writes or not spec.hub_id_unique, "a hub id is for creates"
        assert spec.writes or spec.precondition == "none", "a precondition is for writes"
        if spec.cursor == "modified":
            assert spec.hold_back > timedelta(0), "a vendor that shows every commit at once is rare: say why, and 1 ms"
        for cost in (spec.costs.list, spec.costs.get, spec.costs.create, spec.costs.update, spec.costs.search):
            assert cost >= 0

    def test_parts_are_named_and_only_where_there_are_any(self, rig: Rig, stream: str) -> None:
        rig.vendor.seed(stream, 1, at=rig.yesterday())
        parts = list(rig.connector.parts(stream))

        assert len(parts) == len(set(parts))
        if not rig.spec(stream).parts and parts != [""]:
            raise AssertionError(f"{stream} has parts {parts}, and declares none")

    def test_fields_are_discovered(self, rig: Rig, stream: str) -> None:
        rig.vendor.seed(stream, 1, at=rig.yesterday())
        fields = rig.connector.fields(stream)
        spec = rig.spec(stream)

        assert fields
        for what in ("name", "path"):
            known = [getattr(one, what) for one in fields]
            assert len(known) == len(set(known)), f"two fields of one {what}"
        for one in fields:
            assert one.name
            assert one.label
            assert one.path
            assert not one.required or one.write or "create" not in spec.writes, f"{one.name}: required, not writable"
            assert one.refers_to is None or one.refers_to in rig.connector.streams or one.refers_to == "any"
            assert one.type not in ("choice", "multi") or len({code for code, _ in one.options}) == len(one.options)
        if spec.writes & {"create", "update"}:
            assert any(one.write for one in fields), "a stream that is written has a field that can be"
        if spec.hub_id_unique:
            assert any(one.unique and one.write for one in fields), "a hub id needs a unique field that can be written"

    def test_a_discovered_path_leads_to_the_value(self, rig: Rig, stream: str) -> None:
        path = rig.vendor.text_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.put(stream, key, "Mara", at=rig.yesterday())

        record = read(rig.connector, stream).records[key]

        assert path in [one.path for one in rig.connector.fields(stream)]
        assert at(record.values, path) is not Missing

    def test_the_default_mapping_speaks_of_streams_that_there_are(self, rig: Rig) -> None:
        text = default_mapping(type(rig.connector))
        needs(text, "a default mapping")
        mappings: dict[str, Any] = yaml.safe_load(text) or {}

        for heading in mappings:
            stream, arrow, kind = heading.partition("->")
            assert (arrow, bool(kind.strip())) == ("->", True), f"{heading!r} is not 'stream -> kind'"
            assert stream.strip() in rig.connector.streams

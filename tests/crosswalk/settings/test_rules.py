"""The rules of the file, key by key: what is allowed, and what is said when it is not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from connectors.sdk.registry import installed
from crosswalk.problems import Problem
from crosswalk.settings.load import digest, load
from crosswalk.settings.model import HubSettings, MatchSettings, MergeSettings, StoreSettings
from tests.crosswalk.settings.fakes import registry

Load = Callable[[str], list[Problem]]
ENVIRONMENT = {"T": "the-token", "URL": "postgresql://hub:pw@db/x"}

BASE = """\
version: 1
connections:
  typeform:
    auth: {token: env:T}
  shop:
    connector: files
    path: .
    streams:
      members: {files: '*.csv', entity: person, key: no}
  pipedrive:
    auth: {api_token: env:T}
    streams:
      persons:
        hub_id: Crosswalk ID
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crosswalk.yaml"


@pytest.fixture
def check(file: Path) -> Load:
    def read(text: str) -> list[Problem]:
        file.write_text(text, encoding="utf-8")
        return load(
            file, environment={"T": "the-token", "URL": "postgresql://hub:pw@db/x"}, registry=registry()
        ).problems

    return read


def hub_of(file: Path, more: str) -> HubSettings:
    file.write_text(BASE + more, encoding="utf-8")
    loaded = load(file, environment=ENVIRONMENT, registry=registry())
    assert loaded.hub is not None, loaded.problems
    return loaded.hub


def told(problems: list[Problem]) -> list[tuple[str, str, str]]:
    return [(one.code, one.text, one.hint) for one in problems]


# What stands behind BASE, and what is said of it: (code, text, hint, line, column); lines count from behind BASE.
FAULTS = [
    pytest.param("time_zone: Europe/Berln", "CW102", "time_zone is 'Europe/Berln'",
        "did you mean 'Europe/Berlin'?", 1, 12,
        id="zone"),
    pytest.param("time_zone: Berlin", "CW102", "time_zone is 'Berlin'",
        "did you mean 'Europe/Berlin'?", 1, 12, id="city"),
    pytest.param("time_zone: ../../etc/passwd", "CW102", "time_zone is '../../etc/passwd'",
        "an IANA name, such as Europe/Berlin", 1, 12, id="zone-is-no-path"),
    pytest.param("phone_region: de", "CW102", "phone_region is 'de'", "did you mean 'DE'?", 1, 15, id="region-case"),
    pytest.param("phone_region: Germany", "CW102", "phone_region is 'Germany'",
        "did you mean 'DE'?", 1, 15, id="country"),
    pytest.param("phone_region: XX", "CW102", "phone_region is 'XX'", "an ISO country, such as DE", 1, 15, id="region"),
    pytest.param("storage: {}", "CW101", "the file has no key 'storage'",
        "did you mean 'store'?  or: version, time_zone, phone_region, connections, ...", 1, 1, id="unknown-key"),
    pytest.param("store: {url: mysql://db/x}", "CW102", "store.url is 'mysql://db/x'",
        "sqlite:///crosswalk.db, postgresql://HOST/DATABASE, or env:NAME of it", 1, 14, id="store-url"),
    pytest.param("store: {url: 'postgresql://hub:hunter2@db/x'}", "CW103", "a secret stands in the file",
        "write env:NAME or file:PATH; renew it: it may be in the history", 1, 14, id="password-in-url"),
    pytest.param("store: {encryption_key: hunter2}", "CW103", "a secret stands in the file",
        "write env:NAME or file:PATH; renew it: it may be in the history", 1, 25, id="key"),
    pytest.param("store: {encryption_key: env:NOT}", "CW103", "NOT is not set", "set it, or add it to .env", 1, 25,
        id="key-not-set"),
    pytest.param("webhooks: [{to: x}]", "CW101", "webhooks is not in this version", "take it out", 1, 1, id="reserved"),
    # alerts
    pytest.param("alerts: {to: x}", "CW102", "alerts is a mapping", "a list, such as [{to: env:OPS_WEBHOOK_URL}]",
        1, 9, id="alerts-no-list"),
    pytest.param("alerts: [{when: [run_failed]}]", "CW102", "to is missing in an alert",
        "env: or file: reference to an address: https://... gets a JSON POST; mailto:ADDRESS (by this machine's mail "
        "server) or smtps://USER:PASSWORD@HOST?to=ADDRESS a message.", 1, 10, id="alert-to-nobody"),
    pytest.param("alerts: [{to: 'https://ops.example.test/T0/hunter2'}]", "CW103", "a secret stands in the file",
        "write env:NAME or file:PATH; renew it: it may be in the history", 1, 15, id="alert-secret"),
    pytest.param("alerts: [{to: env:NOT}]", "CW103", "NOT is not set", "set it, or add it to .env", 1, 15,
        id="alert-not-set"),
    pytest.param("alerts: [{to: 'mailto:nobody'}]", "CW102", "to names nobody to write to",
        "smtps://USER:PASSWORD@HOST?to=ops@example.com&from=hub@example.com", 1, 15, id="alert-mailbox"),
    pytest.param("alerts: [{to: 'mailto:ops@example.test', when: [run_faild]}]", "CW102", "when is 'run_faild'",
        "did you mean 'run_failed'?  one of: run_failed, connection_down", 1, 49, id="alert-when"),
    pytest.param("erasure:", "CW101", "erasure is not in this version", "take it out", 1, 1, id="reserved-and-empty"),
    # match
    pytest.param("match: {persn: {}}", "CW101", "match has no key 'persn'",
        "did you mean 'person'?  or: company, deal, activity, ticket, ...", 1, 9, id="match-kind"),
    pytest.param("match: {person: {rules: [{same: [emial]}]}}", "CW107", "person has no field 'emial'",
        "did you mean 'emails'?", 1, 34, id="match-field"),
    pytest.param("match: {person: {rules: [{same: emails}]}}", "CW102", "same is 'emails'",
        "a list, such as [emails]", 1, 33, id="match-list"),
    pytest.param("match: {person: {rules: [{then: review}]}}", "CW102", "same is missing in a rule",
        "Hub fields that have to agree, all of them.", 1, 26, id="match-empty-rule"),
    pytest.param("match: {person: {rules: [{same: [emails], then: ask}]}}", "CW102", "then is 'ask'",
        "one of: same, review", 1, 49, id="match-then"),
    pytest.param("match: {person: {limits: {emails: few}}}", "CW102", "emails is 'few'",
        "a whole number, such as 3", 1, 35, id="match-limit"),
    pytest.param("match: {person: {limits: {emails: 0}}}", "CW102", "emails is '0'",
        "a whole number from 1 up, such as 3", 1, 35, id="match-limit-of-none"),
    pytest.param("match: {person: {limits: {fone: 3}}}", "CW107", "person has no field 'fone'",
        "did you mean 'phones'?", 1, 27, id="match-limit-field"),
    # merge
    pytest.param("merge: {defaults: {masters: [shopp]}}", "CW105", "there is no connection 'shopp'",
        "did you mean 'shop'?", 1, 30, id="master"),
    pytest.param("merge: {person: {job_titel: {}}}", "CW107", "person has no field 'job_titel'",
        "did you mean 'job_title'?", 1, 18, id="merge-field"),
    pytest.param("merge: {persn: {}}", "CW101", "merge has no key 'persn'",
        "did you mean 'person'?  or: defaults, company, deal, activity, ...", 1, 9, id="merge-kind"),
    pytest.param("merge: {defaults: {on_conflict: [latest]}}", "CW102", "on_conflict is 'latest'",
        "one of: masters, newest, union, restrictive, review", 1, 34, id="on-conflict"),
    pytest.param("merge: {defaults: {on_conflict: newest}}", "CW102", "on_conflict is 'newest'",
        "a list, such as [masters]", 1, 33, id="on-conflict-list"),
    pytest.param("merge: {defaults: {on_conflict: [review, newest]}}", "CW113",
        "merge.defaults: nothing follows review, here newest does", "review asks a person and ends the list", 1, 20,
        id="review-ends-the-list"),
    pytest.param("merge: {defaults: {on_foreign_edit: rewert}}", "CW102", "on_foreign_edit is 'rewert'",
        "did you mean 'revert'?  one of: review, revert, keep, adopt", 1, 37, id="foreign-edit"),
    pytest.param("merge: {person: {job_title: {tolerance: 5}}}", "CW102", "tolerance is '5'",
        "a whole number and one of s m h d w, such as 5m", 1, 41, id="tolerance"),
    pytest.param("merge: {person: {'consent[email.survey]': {on_conflict: [newest]}}}", "CW113",
        "consent[email.survey] cannot be 'newest'", "consent only tightens: leave it out or write restrictive", 1, 58,
        id="consent"),
    pytest.param("merge: {person: {'consent[email.survey]': {allow_clear: [shop]}}}", "CW113",
        "consent[email.survey] is never emptied", "consent only tightens: leave allow_clear out", 1, 58,
        id="consent-clear"),
    pytest.param("merge: {company: {name: {allow_clear: [shop]}}}", "CW113",
        "name is never emptied: a company needs it", "leave allow_clear out", 1, 40, id="required-clear"),
    pytest.param("merge: {person: {cx.nps.score: {masters: [shop]}}}", "CW113",
        "cx.nps.score is computed by the hub and has no masters", "only on_foreign_edit has a say here", 1, 43,
        id="computed"),
    pytest.param("merge: {person: {job_title: {on_conflict: [union]}}}", "CW113", "job_title cannot be 'union'",
        "it holds one value: masters, newest or review", 1, 44, id="union-of-one"),
    pytest.param("merge: {person: {job_title: {on_conflict: [restrictive]}}}", "CW113",
        "job_title cannot be 'restrictive'", "only consent has a stricter value", 1, 44, id="restrictive"),
    # cx, guards, schedule
    pytest.param("cx: {npss: {}}", "CW101", "cx has no key 'npss'",
        "did you mean 'nps'?  or: csat, ces", 1, 6, id="cx"),
    pytest.param("cx: {nps: {window: 1 year}}", "CW102", "window is '1 year'",
        "a whole number and one of s m h d w, such as 365d", 1, 20, id="window"),
    pytest.param("cx: {nps: {window: 0d}}", "CW102", "window is '0d'",
        "longer than nothing and shorter than a century, such as 365d", 1, 20, id="no-window"),
    pytest.param("cx: {nps: {minimum_responses: 0}}", "CW102", "minimum_responses is '0'",
        "a whole number from 1 up, such as 3", 1, 31, id="no-minimum"),
    pytest.param("guards: {creates: {}}", "CW101", "guards has no key 'creates'",
        "did you mean 'create'?  or: update, clear, delete", 1, 10, id="guard"),
    pytest.param("guards: {create: {share: 5}}", "CW102", "share is '5'",
        "a share from 0% to 100%, such as 5%", 1, 26, id="share"),
    pytest.param("guards: {create: {share: 101%}}", "CW102", "share is '101%'",
        "a share from 0% to 100%, such as 5%", 1, 26, id="more-than-all"),
    pytest.param("guards: {create: {at_most: -1}}", "CW102", "at_most is '-1'",
        "a whole number, such as 200", 1, 28, id="less-than-none"),
    pytest.param("schedule: {every: 15}", "CW102", "every is '15'",
        "a whole number and one of s m h d w, such as 15m", 1, 19, id="every"),
    pytest.param("schedule: {every: 15m, cron: 0 3 * * sun}", "CW112", "schedule has both every and cron",
        "keep one of them", 1, 24, id="every-and-cron"),
    pytest.param("schedule: {cron: 0 0 30 feb *}", "CW112", "'0 0 30 feb *' never comes",
        "no month that it names has such a day", 1, 18, id="cron-that-never-comes"),
    pytest.param("schedule: {audit: 0 3 * * 1}", "CW112", "'0 3 * * 1': weekday '1' is not known",
        "weekdays by name (mon tue wed thu fri sat sun), as in mon-fri: programs number them differently", 1, 19,
        id="weekday"),
    pytest.param("review: {after: 2 weeks}", "CW102", "after is '2 weeks'",
        "a whole number and one of s m h d w, such as 14d", 1, 17, id="no-deadline"),
    pytest.param("review: {after: 14d, take: mastres}", "CW102", "take is 'mastres'",
        "did you mean 'masters'?  one of: keep, hub, masters, newest", 1, 28, id="no-way-to-take"),
    pytest.param("schedule: 15m", "CW102", "schedule is '15m'", "keys with values, such as name: value", 1, 11,
        id="a-word-for-a-section"),
    # the stream of persons, which BASE ends with
    pytest.param("        write: [update, delete, drop]", "CW102", "write is 'drop'",
        "one of: create, update, delete", 1, 33, id="write"),
    pytest.param("        write: update", "CW102", "write is 'update'",
        "a list, such as [create]", 1, 16, id="write-list"),
    pytest.param("        write: [create]", "CW102", "create is written without create_from",
        "name the connections whose people may become new records here, such as create_from: [...]", 1, 17,
        id="create-without-from"),
    pytest.param("        create_from: [typefrom]", "CW105", "there is no connection 'typefrom'",
        "did you mean 'typeform'?", 1, 23, id="create-from"),
    pytest.param("        on_delete: erase", "CW102", "on_delete is 'erase'",
        "one of: ignore, unlink, archive, review", 1, 20, id="on-delete"),
    pytest.param("        mapping: {fone: phone}", "CW107", "person has no field 'fone'",
        "did you mean 'phones'?", 1, 19, id="mapping-field"),
    pytest.param("        mapping: {job_title: E | emial(5)}", "CW108", "there is no function 'emial'",
        "did you mean 'email'?", 1, 34, id="mapping-function"),
    pytest.param("        mapping: {job_title: [a, b]}", "CW102", "job_title is a list",
        "vendor field | function; a list is read by a function", 1, 19, id="mapping-list"),
    pytest.param("        mapping: {job_title: {feld: a}}", "CW101", "a mapping line has no key 'feld'",
        "did you mean 'field'?  or: values, direction, unmapped", 1, 31, id="long-form-key"),
    pytest.param("        mapping: {job_title: {field: a, direction: up}}", "CW102", "direction is 'up'",
        "one of: both, read, write", 1, 52, id="direction"),
    pytest.param("        mapping: {job_title: {unmapped: keep}}", "CW102", "field is missing in job_title",
        "field: vendor field | function", 1, 19, id="long-form-without-field"),
    pytest.param("        mapping_file: none.yaml", "CW102", "none.yaml cannot be read: no such file or directory",
        "a path from the folder of this file", 1, 23, id="mapping-file"),
    pytest.param("        surveys: {X: {}}", "CW101", "Pipedrive persons has no surveys",
        "take it out", 1, 9, id="surveys"),
    pytest.param("      person:", "CW101", "Pipedrive has no stream 'person'",
        "did you mean 'persons'?  or: organizations, users", 1, 7, id="stream"),
    pytest.param("        guards: {create: {at_mots: 5}}", "CW101", "guards.create has no key 'at_mots'",
        "did you mean 'at_most'?  or: share", 1, 27, id="guards-of-a-stream"),
]  # fmt: skip


@pytest.mark.parametrize(("more", "code", "text", "hint", "line", "column"), FAULTS)
def test_a_fault_is_told_once_with_its_place_and_its_cure(
    check: Load, more: str, code: str, text: str, hint: str, line: int, column: int
) -> None:
    problems = [one for one in check(f"{BASE}{more}\n") if one.severity == "error"]

    assert told(problems) == [(code, text, hint)]
    assert (problems[0].line, problems[0].column) == (BASE.count("\n") + line, column)


def test_faults_of_all_parts_are_told_at_once(check: Load) -> None:
    some = [one.values for one in FAULTS if str(one.values[0])[0] != " " and "reserved" not in str(one.id)]
    sections = {str(values[0]).partition(":")[0]: values for values in some}

    problems = check(BASE + "\n".join(str(values[0]) for values in sections.values()) + "\n")

    assert len(sections) == 11
    assert sorted(one.text for one in problems) == sorted(str(values[2]) for values in sections.values())


@pytest.mark.parametrize(
    ("written", "code", "text"),
    [
        ("version: 2", "CW801", "the file is version 2; this is Crosswalk 0.1, which reads 1"),
        ("version: 0", "CW802", "the file is version 0, the oldest there is is 1"),
        ("verzion: 1", "CW101", "the file has no key 'verzion'"),
    ],
)
def test_a_version_that_is_not_ours_is_the_only_fault(check: Load, written: str, code: str, text: str) -> None:
    more = "" if code == "CW101" else "nonsense: 1\n"

    assert [(one.code, one.text) for one in check(BASE.replace("version: 1", written) + more)] == [(code, text)]


@pytest.mark.parametrize("name", ["Shop", "1shop", "my shop", "shöp", "-x"])
def test_names_of_connections_are_parts_of_addresses(check: Load, name: str) -> None:
    problems = check(BASE.replace("  shop:", f"  {name}:"))

    assert told(problems) == [
        ("CW102", f"a connection is named '{name}'", "a-z 0-9 _ -, a letter first: it is part of every address")
    ]


@pytest.mark.parametrize("name", ["mem/bers", "/", ""])
def test_names_of_streams_are_parts_of_addresses_too(check: Load, name: str) -> None:
    problems = check(BASE.replace("members:", f"'{name}':"))

    assert told(problems) == [
        ("CW102", f"a stream is named '{name}'", "no / in it, and not empty: it is part of every address")
    ]


def test_what_is_left_out_has_its_default(file: Path) -> None:
    hub = hub_of(file, "")

    assert (hub.time_zone, hub.phone_region) == ("UTC", None)
    assert hub.store.url == f"sqlite:///{file.parent}/crosswalk.db"
    assert (hub.store.encryption_key, hub.store.key_file) == (None, file.parent / "crosswalk.key")
    assert hub.schedule.every == timedelta(minutes=15)
    assert hub.schedule.audit is None
    assert {name: (one.at_most, one.share) for name, one in hub.guards.items()} == {
        "create": (200, Decimal("0.05")),
        "update": (2000, Decimal("0.2")),
        "clear": (20, Decimal("0.01")),
        "delete": (0, None),
    }
    assert {name: (one.window.days, one.minimum_responses) for name, one in hub.cx.items()} == {
        "nps": (365, 1), "csat": (365, 1), "ces": (365, 1),
    }  # fmt: skip
    assert hub.connections["pipedrive"].budget.reserve == Decimal("0.2")
    assert hub.connections["pipedrive"].schedule is None
    assert hub.connections["pipedrive"].streams["persons"].on_delete == "ignore"


def test_masters_are_crms_then_files_then_survey_tools(file: Path) -> None:
    assert hub_of(file, "").merge.defaults.masters == ("pipedrive", "shop", "typeform")
    assert hub_of(file, "merge: {defaults: {tolerance: 1h}}\n").merge.defaults.told() == {
        "masters": ("pipedrive", "shop", "typeform"),
        "tolerance": timedelta(hours=1),
    }


def test_what_a_guard_leaves_out_it_takes_from_above(file: Path) -> None:
    hub = hub_of(file, "        guards: {create: {at_most: 5}}\nguards: {create: {share: 50%}, delete: {at_most: 3}}\n")

    assert (hub.guards["create"].at_most, hub.guards["create"].share) == (200, Decimal("0.5"))
    own = hub.connections["pipedrive"].streams["persons"].guards
    assert {name: (one.at_most, one.share) for name, one in own.items()} == {"create": (5, Decimal("0.5"))}
    assert own["create"].place == (str(file), 15, 18)
    assert hub.guards["update"].place is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sqlite:///data/x.db", "sqlite:///{folder}/data/x.db"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("env:URL", "postgresql://hub:pw@db/x"),
        ("postgresql://db/x", "postgresql://db/x"),
    ],
)
def test_a_store_lies_beside_the_file(file: Path, written: str, expected: str) -> None:
    hub = hub_of(file, f"store: {{url: '{written}'}}\n")

    assert hub.store.url == expected.format(folder=file.parent)
    assert "pw" not in repr(hub)


def test_lines_know_where_they_stand(file: Path) -> None:
    (file.parent / "lines.yaml").write_text("job_title: Job\n'custom.tier': Tier\n")
    more = "        mapping_file: lines.yaml\n        mapping:\n          job_title: 'Role | text'\n          emails:\n"

    lines = {line.bare: line for line in hub_of(file, more).connections["pipedrive"].streams["persons"].lines}

    assert (lines["job_title"].text, lines["job_title"].place) == ("Role | text", (str(file), 17, 23))
    assert lines["job_title"].target_place == (str(file), 17, 11)
    assert (lines["custom.tier"].text, lines["custom.tier"].place) == ("Tier", ("lines.yaml", 2, 16))
    assert "emails" not in lines  # unmapped
    assert not lines["name.full"].operator


def test_faults_of_a_mapping_file_are_told_in_that_file(check: Load, file: Path) -> None:
    (file.parent / "lines.yaml").write_text("job_title: Job | trunkate(5)\nfone: x\n")

    problems = check(BASE + "        mapping_file: lines.yaml\ntime_zone: x\n")

    assert [(one.code, one.file, one.line, one.column) for one in problems] == [
        ("CW102", str(file), 16, 12),
        ("CW108", "lines.yaml", 1, 18),
        ("CW107", "lines.yaml", 2, 1),
    ]


def test_a_condition_is_one_of_the_lines(file: Path) -> None:
    persons = hub_of(file, "        where: label = Customer\n").connections["pipedrive"].streams["persons"]

    assert (persons.where, persons.where_place) == ("label = Customer", (str(file), 15, 16))
    assert [line.text for line in persons.lines if line.target == "where"] == ["label = Customer"]


def test_the_digest_follows_what_is_written_not_how(file: Path) -> None:
    first = hub_of(file, "time_zone: UTC\n").digest

    assert (
        hub_of(file, "\n# words\ntime_zone: 'UTC'\nschedule: {every: 1h}\nstore: {url: 'postgresql://x/y'}\n").digest
        == first
    )
    assert hub_of(file, "time_zone: Europe/Berlin\n").digest != first
    assert hub_of(file, "        mapping: {job_title: Job}\n").digest != first
    assert hub_of(file, "guards: {create: {at_most: 1}}\n").digest != first
    assert hub_of(file, "merge: {person: {tags: {on_conflict: [union]}}}\n").digest != first


def test_creating_without_a_unique_field_is_a_warning(check: Load) -> None:
    problems = check(BASE.replace("hub_id: Crosswalk ID", "write: [create]\n        create_from: [shop]"))

    assert [(one.code, one.severity, one.line) for one in problems] == [("CW118", "warning", 13)]


def test_a_stream_that_is_only_read_cannot_be_written(check: Load) -> None:
    problems = check(
        BASE.replace(
            "    auth: {token: env:T}", "    auth: {token: env:T}\n    streams: {responses: {write: [update]}}"
        )
    )

    assert told(problems) == [("CW102", "Typeform responses cannot update", "it is only read: leave write out")]


def test_a_folder_of_exports_is_only_read(tmp_path: Path) -> None:
    """Its streams are named by the operator: what the class says of each holds for all."""
    text = BASE.replace("key: no}", "key: no, write: [update]}")
    (tmp_path / "crosswalk.yaml").write_text(text, encoding="utf-8")

    loaded = load(tmp_path / "crosswalk.yaml", environment=ENVIRONMENT, registry=installed())

    wrong = [one for one in loaded.problems if "update" in one.text]
    assert told(wrong) == [("CW102", "Files members cannot update", "it is only read: leave write out")]


def test_a_huge_file_is_read_at_once(file: Path) -> None:
    lines = "".join(f"          custom.field_{number}: 'Feld {number} | text'\n" for number in range(5000))

    hub = hub_of(file, f"        mapping:\n{lines}")

    assert len(hub.connections["pipedrive"].streams["persons"].lines) > 5000


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    problems = load(tmp_path / "crosswalk.yaml", environment={}, registry=registry()).problems

    assert [one.code for one in problems] == ["CW100"]
    assert problems[0].text.endswith("crosswalk.yaml cannot be read: no such file or directory")


def test_spark_where_there_is_none_is_a_fault_of_its_line(check: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crosswalk.spark.find_spec", lambda name: None)

    (problem,) = check(BASE + "match:\n  person:\n    spark: local[2]\n")

    assert (problem.code, problem.line, problem.text) == (
        "CW132", 17, "Spark cannot be used: pyspark is not installed",
    )  # fmt: skip
    assert problem.hint == "pip install 'crosswalk[spark]'"


def test_spark_is_for_kinds_that_are_scored(check: Load) -> None:
    (problem,) = check(BASE + "match:\n  deal:\n    spark: local[2]\n")

    assert (problem.code, problem.text, problem.hint) == (
        "CW102", "spark is 'local[2]'", "only person and company are scored",
    )  # fmt: skip


def test_where_records_are_weighed_is_no_part_of_what_a_plan_was_made_by() -> None:
    settings = HubSettings(
        folder=Path(), file="", store=StoreSettings(url="sqlite://"), connections={}, merge=MergeSettings(),
        match={"person": MatchSettings(scored=True)},
    )  # fmt: skip

    spread = replace(settings, match={"person": MatchSettings(scored=True, spark="local[2]")})

    assert digest(spread) == digest(settings)

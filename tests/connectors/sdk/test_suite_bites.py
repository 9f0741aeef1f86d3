"""The contract suite: a sound connector passes, and each planted defect is caught.

The defects are those that lose data without a word. Each is a few lines over the sound connector.
"""

import inspect
import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
import respx
from msgspec.structs import replace

from connectors.sdk import (
    Answer,
    FieldInfo,
    Json,
    LaterError,
    Outcome,
    Page,
    Record,
    RemoteRecord,
    Removal,
    ShapeError,
    StreamSpec,
    UnknownOutcomeError,
    Values,
    Window,
    Write,
)
from connectors.sdk.suite import ConnectorContract, Rig, Vendor
from tests.connectors.sdk.acme import AcmeConnector, AcmeVendor, rig_of


class TestAcme(ConnectorContract):
    """The sound one, as an author of a connector runs it."""

    streams = ("people", "visits", "notes", "tickets")

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with respx.mock(assert_all_called=False) as network:
            rig = rig_of(AcmeConnector, network)
            yield rig
            rig.connector.close()


class SkipsAPage(AcmeConnector):
    """Goes on behind the next page, not in front of it."""

    def following(self, answer: Answer) -> Mapping[str, Any] | None:
        after = super().following(answer)
        return None if after is None else super().following(self._transport.get(answer.origin.split()[-1], after))


class DropsTies(AcmeConnector):
    """Goes on behind the last time, not behind the last record."""

    def following(self, answer: Answer) -> Mapping[str, Any] | None:
        after = super().following(answer)
        if after is None or "|" not in str(after["after"]):
            return after
        return {"after": str(after["after"]).partition("|")[0] + "|999999"}


class EndsWithAFullPage(AcmeConnector):
    """Believes the first page to be all."""

    def following(self, answer: Answer) -> Mapping[str, Any] | None:
        return None


class EndsWhenTheVendorStumbles(AcmeConnector):
    """Takes what it has for everything."""

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        last = None
        try:
            for page in super().pull(stream, window):
                if last is not None:
                    yield last
                last = page
        except LaterError:
            pass
        if last is not None:
            yield replace(last, position=None)


class NeverSaysThatItWasTheLast(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        for page in super().pull(stream, window):
            yield replace(page, position=page.position or {"after": "2000-01-01T00:00:00Z|0"})


class SaysTooEarlyThatItWasTheLast(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        for page in super().pull(stream, window):
            yield replace(page, position=None)


class ForgetsItsPosition(AcmeConnector):
    """Begins anew whatever it is told."""

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        return super().pull(stream, _afresh(window))


def _afresh(window: Window) -> Window:
    return Window(window.part, window.since, None)


class SkipsWhatWasInterrupted(AcmeConnector):
    """Drops a page when it goes on."""

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        found = super().pull(stream, window)
        return itertools.islice(found, 1, None) if window.position is not None else found


class KeepsObjectsInItsPosition(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        for page in super().pull(stream, _afresh(window)):
            yield replace(page, position=None if page.position is None else {"after": (1, 2)})


class LeavesOutTheLowerBound(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        for page in super().pull(stream, window):
            since = window.since
            kept = [one for one in page.records if since is None or (one.modified and one.modified > since)]
            yield replace(page, records=kept)


class ReadsAllEveryTime(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        return super().pull(stream, Window(window.part, None, window.position))


class TellsNoTime(AcmeConnector):
    def page(self, answer: Answer, position: Mapping[str, Any] | None) -> Page:
        return replace(super().page(answer, position), server_time=None)

    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        return super().record(row)._replace(modified=None)


class TellsOurTime(AcmeConnector):
    def page(self, answer: Answer, position: Mapping[str, Any] | None) -> Page:
        return replace(super().page(answer, position), server_time=datetime.now().astimezone().replace(year=2050))


class StopsAtTheCap(AcmeConnector):
    def cut(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        yield since, until


class TakesEmptyForText(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        return super().record(row)._replace(values=dict(row))


class TakesEmptyForAbsent(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        return record._replace(values={name: one for name, one in record.values.items() if one is not None})


class SpoilsTexts(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        name = record.values.get("name")
        text = name.encode("latin-1", "replace").decode("latin-1") if isinstance(name, str) else name
        return record._replace(values={**record.values, "name": text})


class CutsTexts(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        return record._replace(values={**record.values, "name": (record.values.get("name") or "")[:255] or None})


class DropsUnknownOptions(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        known = record.values.get("tier") in ("gold", "silver")
        return record if known else record._replace(values={**record.values, "tier": None})


class FallsOverABadRow(AcmeConnector):
    def page(self, answer: Answer, position: Mapping[str, Any] | None) -> Page:
        return Page([self.record(row) for row in answer.json["items"]], position, answer.server_time)


class SwallowsABadRow(AcmeConnector):
    def page(self, answer: Answer, position: Mapping[str, Any] | None) -> Page:
        return replace(super().page(answer, position), faults=())


class SweepsOnePage(AcmeConnector):
    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        return itertools.islice(super().keys(stream), 1)


class EndsItsSweepWhenTheVendorStumbles(AcmeConnector):
    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        try:
            yield from super().keys(stream)
        except LaterError:
            return


class ForgetsWhoSurvived(AcmeConnector):
    def removal(self, row: Mapping[str, Any]) -> Removal:
        return super().removal(row)._replace(survivor=None)


class ReadsOnePageOfRemovals(AcmeConnector):
    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        return itertools.islice(super().removals(stream, window), 1)


class HidesThatARecordIsArchived(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        silent = ("archived", "version", "updated")
        return record._replace(values={name: one for name, one in record.values.items() if name not in silent})


class SendsACreateAgain(AcmeConnector):
    """Takes a lost answer for a create that never was."""

    def post(self, path: str, body: Json) -> Answer:
        return self._transport.request("POST", path, json=body, idempotent=True)


class TakesALostAnswerForDone(AcmeConnector):
    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        for one in super().send(stream, writes):
            yield one._replace(status="done", key="1") if one.status == "unknown" else one


class TakesALostAnswerForRefused(AcmeConnector):
    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        for one in super().send(stream, writes):
            yield one._replace(status="rejected", reason="no answer") if one.status == "unknown" else one


class TakesARefusalForDone(AcmeConnector):
    """Reads the status of the batch and none of its results."""

    def outcome(self, write: Write, result: Mapping[str, Any]) -> Outcome:
        return super().outcome(write, result)._replace(status="done", reason="")


class MixesUpOutcomes(AcmeConnector):
    """Takes the order of the answer for that of the question."""

    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        found = list(super().send_batch(writes))
        for write, one in zip(writes, found, strict=True):
            yield one._replace(action=write.action)


class QuotesACustomer(AcmeConnector):
    def outcome(self, write: Write, result: Mapping[str, Any]) -> Outcome:
        return super().outcome(write, result)._replace(reason=str(result.get("message", "refused")))


class IgnoresVersions(AcmeConnector):
    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        return super().send_batch([one._replace(expects=None) for one in writes])


class LeavesOutNull(AcmeConnector):
    def written(self, values: Values) -> Values:
        return {name: one for name, one in values.items() if one is not None}


class FindsNothing(AcmeConnector):
    def find(self, stream: str, write: Write) -> Sequence[Record]:
        return []


class FindsAnybody(AcmeConnector):
    def find(self, stream: str, write: Write) -> Sequence[Record]:
        return [one for page in self.pull(stream, Window("", None)) for one in page.records]


class SendsOneBatch(AcmeConnector):
    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        return super().send(stream, writes[: self.streams[stream].batch])


class DiscoversOnce(AcmeConnector):
    known: Sequence[FieldInfo] = ()

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        self.known = self.known or super().fields(stream)
        return self.known


class DeclaresWhatItCannot(AcmeConnector):
    streams = {**AcmeConnector.streams, "visits": StreamSpec(page_size=10, cap=30, writes=frozenset({"create"}))}

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        return iter(())


class WritesWhatItDeclaresNot(AcmeConnector):
    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        return super().send("people", writes) if stream == "visits" else super().send(stream, writes)


class ShowsItsSecret(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        try:
            yield from super().pull(stream, window)
        except LaterError as exc:
            held = self._tools.tokens.read("acme")
            raise LaterError(f"gave up, with {held and held.access_token}") from exc


class KeepsTheFirstToken(AcmeConnector):
    """Renews, and forgets what the vendor rotated."""

    def __init__(self, transport: Any, tools: Any) -> None:
        super().__init__(transport, tools)
        keeper = transport._auth
        real = keeper._tools.tokens.read
        keeper._tools.tokens.read = lambda name: None if real(name) is None else real(name)._replace(refresh_token=None)


class FetchesTheFirstHundred(AcmeConnector):
    """Says nothing of the keys that one call does not take."""

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        return super().fetch(stream, keys[:100])


class FallsOverAStrangeKey(AcmeConnector):
    """One key that is none keeps it from answering for the others."""

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        if not all(key.isalnum() for key in keys):
            raise ShapeError("Acme: that is no key")
        return super().fetch(stream, keys)


class FetchesAllForNone(AcmeConnector):
    """Asked for no key it asks for no condition."""

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        return super().fetch(stream, keys) if keys else self.pull(stream, Window("", None))


class KnowsNoLeapDay(AcmeConnector):
    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        for page in super().pull(stream, window):
            yield replace(page, records=[self._told(record) for record in page.records])

    def _told(self, record: Record) -> RemoteRecord:
        at = record.modified
        told = None if at is None else at.replace(day=min(at.day, 28))
        return RemoteRecord(record.key, record.version, told, record.values)


class OverlooksOffsets(AcmeConnector):
    """Takes every time for one of UTC."""

    def moment(self, told: str) -> datetime:
        return super().moment(told).replace(tzinfo=UTC)


class TakesMinutesForSeconds(AcmeConnector):
    """Declares a time that is finer than the vendor's."""

    streams = {**AcmeConnector.streams, "tickets": StreamSpec(page_size=10)}


class ListsNothing(AcmeConnector):
    """Takes an emptied list for a list of one empty thing."""

    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        return record._replace(values={**record.values, "tags": row["tags"]})


class TakesHiddenForCleared(AcmeConnector):
    """Tells every column that it once knew."""

    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        return record._replace(values={"name": None, **record.values})


class CountsDaysFromTheEpoch(AcmeConnector):
    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        record = super().record(row)
        told = record.values.get("born")
        return record if told is None else record._replace(values={**record.values, "born": max(told, "1970-01-01")})


class DropsWhatIsNotOffered(AcmeConnector):
    """Writes what the catalogue offers, and tells of the rest that it was done."""

    def written(self, values: Values) -> Values:
        return {name: one for name, one in values.items() if name != "tier" or one in ("gold", "silver")}


class WritesNoEmptyList(AcmeConnector):
    def written(self, values: Values) -> Values:
        return {name: one for name, one in values.items() if one != []}


class WritesDaysAsTheyAreSpokenHere(AcmeConnector):
    def written(self, values: Values) -> Values:
        day = values.get("born")
        return values if day is None else {**values, "born": ".".join(reversed(day.split("-")))}


class StopsForAVanishedField(AcmeConnector):
    """Refuses everything once a field is missing."""

    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        if "name" not in [field.name for field in self.fields("people")]:
            yield from (Outcome(one.action, "rejected", reason="a field is gone") for one in writes)
        else:
            yield from super().send_batch(writes)


class SaysPutAwayAndDoesNothing(AcmeConnector):
    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        put_away = [one for one in writes if one.op == "archive"]
        yield from (Outcome(one.action, "done", one.key) for one in put_away)
        if kept := [one for one in writes if one.op != "archive"]:
            yield from super().send_batch(kept)


class BringsNothingBack(AcmeConnector):
    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        return super().send_batch([one._replace(op="update") if one.op == "restore" else one for one in writes])


class FallsOverWhatIsGone(AcmeConnector):
    """Of one that is gone it takes the whole call for refused, each time."""

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        found = list(super().send(stream, writes))
        if any("GONE" in one.reason for one in found):
            self.fell = True
        yield from (one._replace(status="rejected") if getattr(self, "fell", False) else one for one in found)


class TakesALostArchiveForRefused(AcmeConnector):
    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        put_away = {one.action for one in writes if one.op == "archive"}
        for one in super().send(stream, writes):
            lost = one.status == "unknown" and one.action in put_away
            yield one._replace(status="rejected", reason="no answer") if lost else one


# Each with the test that catches it; some are caught by many.
DEFECTS: dict[type[AcmeConnector], str] = {
    SkipsAPage: "a_list_of_two_and_a_half_pages_is_read_to_its_end",
    DropsTies: "more_equal_times_than_a_page_holds_come_all",
    EndsWithAFullPage: "a_list_of_two_and_a_half_pages_is_read_to_its_end",
    EndsWhenTheVendorStumbles: "a_vendor_that_stays_down_ends_in_later_and_never_in_an_early_end",
    NeverSaysThatItWasTheLast: "an_empty_list_is_read_to_its_end",
    SaysTooEarlyThatItWasTheLast: "a_list_of_two_and_a_half_pages_is_read_to_its_end",
    ForgetsItsPosition: "an_interrupted_window_goes_on_from_its_position",
    SkipsWhatWasInterrupted: "an_interrupted_window_goes_on_from_its_position",
    KeepsObjectsInItsPosition: "a_list_of_two_and_a_half_pages_is_read_to_its_end",
    LeavesOutTheLowerBound: "the_lower_bound_is_included",
    ReadsAllEveryTime: "a_later_window_leaves_out_what_is_long_known",
    TellsNoTime: "a_window_says_what_time_it_is_at_the_vendor",
    TellsOurTime: "a_window_says_what_time_it_is_at_the_vendor",
    StopsAtTheCap: "one_more_than_the_cap_comes_all",
    TakesEmptyForText: "what_was_emptied_is_cleared",
    TakesEmptyForAbsent: "what_was_emptied_is_cleared",
    SpoilsTexts: "a_text_arrives_as_it_is",
    CutsTexts: "a_text_arrives_as_it_is",
    DropsUnknownOptions: "an_option_that_the_catalogue_does_not_know_arrives",
    FallsOverABadRow: "a_row_that_is_no_record_costs_that_row_alone",
    SwallowsABadRow: "a_row_that_is_no_record_costs_that_row_alone",
    SweepsOnePage: "the_sweep_lists_every_live_key",
    EndsItsSweepWhenTheVendorStumbles: "a_sweep_that_is_cut_short_is_an_error",
    ForgetsWhoSurvived: "a_merged_record_names_who_survived_it",
    ReadsOnePageOfRemovals: "the_feed_of_deletions_is_read_to_its_end",
    HidesThatARecordIsArchived: "an_archived_record_does_not_disappear_without_a_word",
    SendsACreateAgain: "creates_whose_answer_is_lost_are_not_sent_again",
    TakesALostAnswerForDone: "creates_whose_answer_is_lost_are_not_sent_again",
    TakesALostAnswerForRefused: "creates_whose_answer_is_lost_are_not_sent_again",
    TakesARefusalForDone: "of_several_writes_each_has_its_own_outcome",
    MixesUpOutcomes: "mixed_outcomes_of_writes_in_any_order_are_each_its_own",
    QuotesACustomer: "a_reason_holds_no_value_of_a_customer",
    IgnoresVersions: "a_record_that_moved_is_not_overwritten",
    LeavesOutNull: "null_empties_a_field",
    FindsNothing: "what_was_created_is_found_by_its_write",
    FindsAnybody: "what_was_never_created_is_not_found",
    SendsOneBatch: "as_many_creates_as_a_batch_holds_and_one_more",
    DiscoversOnce: "a_field_that_vanished_since_it_was_discovered_is_not_done",
    DeclaresWhatItCannot: "a_create_is_carried_out_and_its_key_is_told",
    WritesWhatItDeclaresNot: "a_stream_that_is_not_written_says_so",
    ShowsItsSecret: "errors_hold_no_secret_and_say_what_to_do",
    FetchesTheFirstHundred: "as_many_records_as_one_call_fetches_and_one_more_are_fetched",
    FallsOverAStrangeKey: "a_key_that_no_record_has_is_left_out_whatever_it_looks_like",
    FetchesAllForNone: "nothing_is_fetched_for_no_key",
    KnowsNoLeapDay: "a_time_is_taken_for_what_it_is",
    OverlooksOffsets: "a_time_with_an_offset_is_the_moment_it_tells",
    TakesMinutesForSeconds: "a_change_later_in_the_unit_of_a_stamp_is_found",
    ListsNothing: "an_emptied_list_is_empty",
    TakesHiddenForCleared: "what_is_not_shown_is_absent_and_not_cleared",
    CountsDaysFromTheEpoch: "a_day_arrives_as_it_is",
    DropsWhatIsNotOffered: "an_option_that_the_vendor_does_not_offer_is_refused_by_itself_or_stands_there",
    WritesNoEmptyList: "a_list_is_emptied",
    WritesDaysAsTheyAreSpokenHere: "a_day_is_written_as_it_is",
    StopsForAVanishedField: "a_vanished_field_costs_the_writes_that_name_it_and_no_other",
    SaysPutAwayAndDoesNothing: "what_is_put_away_is_gone_and_comes_back",
    BringsNothingBack: "what_is_put_away_is_gone_and_comes_back",
    FallsOverWhatIsGone: "putting_away_what_is_gone_costs_no_other",
    TakesALostArchiveForRefused: "putting_away_whose_answer_is_lost_is_not_told_as_refused",
    KeepsTheFirstToken: "a_renewed_token_stands_in_the_store",
}


def cases(name: str) -> Iterator[dict[str, Any]]:
    """Every set of a test's parameters, as pytest would run it."""
    test = getattr(TestAcme, name)
    sets: list[dict[str, Any]] = [{}]
    for mark in getattr(test, "pytestmark", []):
        argument, values = mark.args[0], [getattr(one, "values", (one,))[0] for one in mark.args[1]]
        sets = [{**one, argument: value} for one in sets for value in values]
    if "stream" in inspect.signature(test).parameters:
        sets = [{**one, "stream": stream} for one in sets for stream in TestAcme.streams]
    yield from sets


def complaints(connector: type[AcmeConnector], name: str) -> list[str]:
    """What one test of the suite has against a connector."""
    found = []
    for case in cases(name):
        with respx.mock(assert_all_called=False) as network:
            rig = rig_of(connector, network)
            try:
                getattr(TestAcme(), name)(rig=rig, **case)
            except pytest.skip.Exception:
                continue
            except (Exception, pytest.fail.Exception) as exc:  # whatever a test fails with
                found.append(f"{case}: {type(exc).__name__}")
            finally:
                rig.connector.close()
    return found


@pytest.mark.parametrize(("defect", "test"), DEFECTS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_a_planted_defect_is_caught(defect: type[AcmeConnector], test: str) -> None:
    assert complaints(defect, f"test_{test}") != []


def test_no_defect_is_left_out() -> None:
    planted = {kind for kind in AcmeConnector.__subclasses__() if kind.__module__ == __name__}

    assert planted - {Raises} == set(DEFECTS)


class Raises(AcmeConnector):
    """Raises UnknownOutcomeError instead of naming every write; the contract allows that."""

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        for one in super().send(stream, writes):
            if one.status == "unknown":
                raise UnknownOutcomeError("no answer")
            yield one


@pytest.mark.parametrize(
    "test",
    ["creates_whose_answer_is_lost_are_not_sent_again", "a_create_that_the_vendor_stumbles_over_is_not_sent_again"],
)
def test_an_unknown_outcome_may_be_raised(test: str) -> None:
    assert complaints(Raises, f"test_{test}") == []


class Reticent(AcmeVendor):
    """Without a verb, and without a word of it."""

    archive = Vendor.archive


class Outspoken(Reticent):
    lacks: ClassVar[Mapping[str, str]] = {"people/archive": "Acme has no archive"}


@pytest.mark.parametrize(
    ("vendor", "outcome"),
    [(Reticent, pytest.fail.Exception), (Outspoken, pytest.skip.Exception)],
    ids=["silent", "told"],
)
def test_what_a_simulation_cannot_show_it_must_say(vendor: type[AcmeVendor], outcome: type[Exception]) -> None:
    with respx.mock(assert_all_called=False) as network:
        rig = rig_of(AcmeConnector, network, vendor)

        with pytest.raises(outcome, match="archive"):
            TestAcme().test_an_archived_record_does_not_disappear_without_a_word(rig, "people")

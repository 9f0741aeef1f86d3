# ruff: noqa: S101  - assertions are what a test is made of
"""Every write is carried out once or not at all, and its outcome is the truth."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Final

import pytest

from connectors.sdk.contract import Json, Operation, Outcome, Record, Write
from connectors.sdk.errors import ConnectorError, RecordError, UnknownOutcomeError
from connectors.sdk.suite.vendor import Effect, Rig, needs
from connectors.sdk.suite.windows import Missing, at, holds, is_empty, read

_VALUE: Final = "s3cret value of a customer"
_OPTION: Final = "an option that nobody offers"


class Writing:
    def test_a_create_is_carried_out_and_its_key_is_told(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        (write,) = creates(rig, stream, 1)

        outcome = send(rig, stream, [write])[write.action]

        assert outcome.status == "done"
        assert [(one.op, one.key) for one in rig.vendor.effects()] == [("create", outcome.key)]

    def test_as_many_creates_as_a_batch_holds_and_one_more(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        writes = creates(rig, stream, rig.spec(stream).batch + 1)

        outcomes = send(rig, stream, writes)

        assert {action: one.status for action, one in outcomes.items()} == {one.action: "done" for one in writes}
        keys = [outcomes[one.action].key for one in writes]
        assert sorted(map(str, keys)) == sorted(one.key for one in rig.vendor.effects())
        assert len(set(keys)) == len(keys), "two writes share a key"
        for write in writes:
            found = [record.key for record in rig.connector.find(stream, write)]
            assert outcomes[write.action].key in found, "an outcome went to the wrong write"

    def test_what_was_created_is_found_by_its_write(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        other, wanted = creates(rig, stream, 2)
        outcomes = send(rig, stream, [other, wanted])

        found = [record.key for record in rig.connector.find(stream, wanted)]

        assert outcomes[wanted.action].key in found
        if rig.spec(stream).hub_id_unique:
            assert found == [outcomes[wanted.action].key]

    def test_what_was_never_created_is_not_found(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        needs(rig.spec(stream).hub_id_unique, "hub_id_unique")
        there, missing = creates(rig, stream, 2)
        send(rig, stream, [there])

        assert list(rig.connector.find(stream, missing)) == []

    def test_an_update_changes_what_it_names_and_nothing_else(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        path = rig.vendor.text_path(stream)
        one, other = rig.vendor.seed(stream, 2, at=rig.yesterday())
        before = fetched(rig, stream, one, other)
        write = update(rig, stream, one, "changed")

        outcome = send(rig, stream, [write])[write.action]
        after = fetched(rig, stream, one, other)

        assert outcome.status == "done"
        assert at(after[one].values, path) == "changed"
        assert after[other].values == before[other].values
        untouched = set(before[one].values) & {field.path for field in rig.connector.fields(stream) if field.write}
        for name in untouched - {path}:
            if path.startswith(f"{name}."):
                continue  # the object that holds it
            assert after[one].values[name] == before[one].values[name]

    def test_null_empties_a_field(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        path = rig.vendor.text_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.put(stream, key, "something", at=rig.yesterday())
        write = update(rig, stream, key, None)

        outcome = send(rig, stream, [write])[write.action]

        assert outcome.status == "done"
        assert at(fetched(rig, stream, key)[key].values, path) in (None, Missing)

    @pytest.mark.parametrize("nothing", [None, []], ids=["null", "an-empty-list"])
    def test_a_list_is_emptied(self, rig: Rig, stream: str, nothing: Json) -> None:
        may(rig, stream, "update")
        path = rig.vendor.list_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.fill(stream, key, 2, at=rig.yesterday())
        write = change(key, path, nothing)

        outcome = send(rig, stream, [write])[write.action]

        assert outcome.status == "done"
        assert is_empty(at(fetched(rig, stream, key)[key].values, path), rig, stream)

    @pytest.mark.parametrize("day", ["1931-05-04", "2000-02-29"])
    def test_a_day_is_written_as_it_is(self, rig: Rig, stream: str, day: str) -> None:
        may(rig, stream, "update")
        path = rig.vendor.date_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        write = change(key, path, day)

        outcome = send(rig, stream, [write])[write.action]

        assert outcome.status == "done"
        assert at(fetched(rig, stream, key)[key].values, path) == day

    def test_an_option_that_the_vendor_does_not_offer_is_refused_by_itself_or_stands_there(
        self, rig: Rig, stream: str
    ) -> None:
        """Some take any word, some refuse it: none may tell that it holds what it dropped."""
        may(rig, stream, "update")
        path = rig.vendor.choice_path(stream)
        odd, good = rig.vendor.seed(stream, 2, at=rig.yesterday())
        (offered,) = [field.options for field in rig.connector.fields(stream) if field.path == path]
        assert offered, f"{path} offers nothing"
        writes = [change(odd, path, _OPTION), change(good, path, offered[0][0])]

        outcomes = one_by_one(rig, stream, writes)
        after = fetched(rig, stream, odd, good)

        assert outcomes[writes[1].action].status == "done"
        assert holds(str(at(after[good].values, path)), offered[0][0])
        if outcomes[writes[0].action].status == "done":
            assert holds(after[odd].values, _OPTION), "it says done, and the option is not there"
        else:
            assert outcomes[writes[0].action].status == "rejected"
            assert outcomes[writes[0].action].reason
            assert _OPTION not in outcomes[writes[0].action].reason
            assert not holds(after[odd].values, _OPTION)

    @pytest.mark.parametrize("text", ["Zoë 🎈 শর্মিলা", 'a "quoted"; <b>text</b>, 100%', "x" * 60_000], ids=len)
    def test_a_text_is_written_as_it_is(self, rig: Rig, stream: str, text: str) -> None:
        may(rig, stream, "update")
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        write = update(rig, stream, key, text)

        outcome = send(rig, stream, [write])[write.action]

        if outcome.status == "rejected" and len(text) > 255:
            return  # too long for the vendor, and said so
        assert outcome.status == "done"
        assert at(fetched(rig, stream, key)[key].values, rig.vendor.text_path(stream)) == text

    def test_an_answer_with_values_shows_what_was_written(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        needs(rig.spec(stream).answers_with_values, "answers_with_values")
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        write = update(rig, stream, key, "changed")

        outcome = send(rig, stream, [write])[write.action]

        assert outcome.values is not None
        assert at(outcome.values, rig.vendor.text_path(stream)) == "changed"

    @pytest.mark.parametrize("count", [1, 3])
    def test_creates_whose_answer_is_lost_are_not_sent_again(self, rig: Rig, stream: str, count: int) -> None:
        may(rig, stream, "create")
        writes = creates(rig, stream, count)
        rig.vendor.lose()

        outcomes = send(rig, stream, writes)

        nothing_twice(rig.vendor.effects(), outcomes, writes)
        said = {one.action: outcome(outcomes, one).status for one in writes}
        if not rig.spec(stream).hub_id_unique:  # else sending again is harmless, and "done" the better answer
            assert "unknown" in said.values(), "what nobody answered is unknown"
        for one in writes:
            if said[one.action] == "rejected":
                assert list(rig.connector.find(stream, one)) == [], "refused, it says, and it was carried out"

    def test_a_create_whose_answer_is_lost_is_found(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        (write,) = creates(rig, stream, 1)
        rig.vendor.lose()
        send(rig, stream, [write])
        ((_, _, key),) = rig.vendor.effects()

        assert key in [record.key for record in rig.connector.find(stream, write)]

    @pytest.mark.parametrize("status", [500, 502, 504])
    def test_a_create_that_the_vendor_stumbles_over_is_not_sent_again(self, rig: Rig, stream: str, status: int) -> None:
        """Who answers 502 may have done it: the hub looks before anything is sent again."""
        may(rig, stream, "create")
        (write,) = creates(rig, stream, 1)
        rig.vendor.fail(status)

        outcomes = send(rig, stream, [write])

        assert outcome(outcomes, write).status in ("unknown", "later")
        assert rig.vendor.effects() == []

    def test_a_vendor_that_is_busy_takes_a_create_once(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        (write,) = creates(rig, stream, 1)
        rig.vendor.fail(429, headers={"Retry-After": "1"})

        outcomes = send(rig, stream, [write])

        done = outcome(outcomes, write).status
        assert done in ("done", "later")
        assert len(rig.vendor.effects()) == (1 if done == "done" else 0)

    def test_a_token_that_expires_costs_no_write(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        writes = creates(rig, stream, rig.spec(stream).batch + 1)
        rig.vendor.expire_token(after=1)

        outcomes = send(rig, stream, writes)

        assert {outcome(outcomes, one).status for one in writes} == {"done"}
        assert len(rig.vendor.effects()) == len(writes)

    def test_of_several_writes_each_has_its_own_outcome(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        keys = rig.vendor.seed(stream, 4, at=rig.yesterday())
        writes = [update(rig, stream, key, f"{_VALUE} {key}") for key in keys]
        rig.vendor.refuse(1)

        outcomes = send(rig, stream, writes)

        done = {effect.key for effect in rig.vendor.effects()}
        for write in writes:
            said = outcome(outcomes, write).status
            assert said != "done" or write.key in done, "an outcome of done, and nothing was done"
            assert said not in ("rejected", "moved") or write.key not in done, "refused, it says, and it was done"
        if rig.spec(stream).batch_failure == "per_record" or rig.spec(stream).batch == 1:
            assert [outcome(outcomes, one).status for one in writes] == ["done", "rejected", "done", "done"]
            assert outcomes[writes[1].action].reason
        else:
            assert "done" not in {outcome(outcomes, one).status for one in writes if one.key not in done}

    def test_mixed_outcomes_of_writes_in_any_order_are_each_its_own(self, rig: Rig, stream: str) -> None:
        """More than one call of them, neither sorted by key nor answered in the order that they were sent in."""
        may(rig, stream, "update")
        count = rig.spec(stream).batch + 3
        keys = rig.vendor.seed(stream, count, at=rig.yesterday())
        Random(7).shuffle(keys)
        writes = [update(rig, stream, key, f"new {key}") for key in keys]
        if not rig.vendor.lacking("shuffle", stream):
            rig.vendor.shuffle()
        refused = {0, 2, count - 1}
        rig.vendor.refuse(*refused)

        outcomes = send(rig, stream, writes)

        written = {effect.key for effect in rig.vendor.effects()}
        shown = fetched(rig, stream, *keys)
        path = rig.vendor.text_path(stream)
        for write in writes:
            done = outcome(outcomes, write).status == "done"
            assert done == (write.key in written), "an outcome that is another write's"
            assert done == (at(shown[str(write.key)].values, path) == f"new {write.key}")
        if rig.spec(stream).batch_failure == "per_record" or rig.spec(stream).batch == 1:
            assert len(written) == count - len(refused)

    def test_a_reason_holds_no_value_of_a_customer(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        write = update(rig, stream, key, _VALUE)
        rig.vendor.refuse(0)

        refused = outcome(send(rig, stream, [write]), write)

        assert refused.status != "done"
        assert _VALUE not in refused.reason

    def test_a_batch_that_fails_as_a_whole_has_no_outcome_of_done(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "create")
        needs(rig.spec(stream).batch > 1, "batch above 1")
        writes = creates(rig, stream, 3)
        rig.vendor.fail(400, times=100)

        outcomes = send(rig, stream, writes)

        assert rig.vendor.effects() == []
        assert "done" not in {one.status for one in outcomes.values()}

    def test_a_record_that_moved_is_not_overwritten(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        needs(rig.spec(stream).precondition != "none", "precondition")
        path = rig.vendor.text_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        seen = fetched(rig, stream, key)[key]
        assert seen.version is not None, "a precondition needs a version"
        rig.vendor.put(stream, key, "changed by a person", at=rig.vendor.now())
        write = update(rig, stream, key, "changed by us")._replace(expects=seen.version)

        assert outcome(send(rig, stream, [write]), write).status == "moved"
        assert at(fetched(rig, stream, key)[key].values, path) == "changed by a person"

    def test_a_record_that_did_not_move_is_written(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        needs(rig.spec(stream).precondition != "none", "precondition")
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        write = update(rig, stream, key, "x")._replace(expects=fetched(rig, stream, key)[key].version)

        assert outcome(send(rig, stream, [write]), write).status == "done"

    def test_an_update_of_a_record_that_is_gone_is_not_done(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        gone, stays = rig.vendor.seed(stream, 2, at=rig.yesterday())
        rig.vendor.delete(stream, gone, at=rig.yesterday())
        writes = [update(rig, stream, gone, "x"), update(rig, stream, stays, "x")]

        outcomes = send(rig, stream, writes)

        assert outcome(outcomes, writes[0]).status in ("rejected", "moved")
        assert outcome(outcomes, writes[1]).status == "done"

    def test_a_field_that_vanished_since_it_was_discovered_is_not_done(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        path = rig.vendor.text_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        assert path in [field.path for field in rig.connector.fields(stream)]
        rig.vendor.vanish(stream)
        write = update(rig, stream, key, "x")

        outcomes = send(rig, stream, [write])

        assert outcome(outcomes, write).status == "rejected", "a write whose field is gone is refused, with a reason"
        assert outcome(outcomes, write).reason
        assert path not in [field.path for field in rig.connector.fields(stream)], "discovery goes on from memory"

    def test_a_vanished_field_costs_the_writes_that_name_it_and_no_other(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "update")
        path = rig.vendor.choice_path(stream)
        lost, good = rig.vendor.seed(stream, 2, at=rig.yesterday())
        (offered,) = [field.options for field in rig.connector.fields(stream) if field.path == path]
        rig.vendor.vanish(stream)
        writes = [update(rig, stream, lost, "x"), change(good, path, offered[-1][0])]

        outcomes = one_by_one(rig, stream, writes)

        assert [outcomes[one.action].status for one in writes] == ["rejected", "done"]

    def test_what_is_put_away_is_gone_and_comes_back(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "archive")
        key, stays = rig.vendor.seed(stream, 2, at=rig.yesterday())
        before = read(rig.connector, stream).records[key]

        put_away = send(rig, stream, [Write("a1", "archive", key, None, {}, None)])["a1"]

        assert put_away.status == "done"
        assert stays in read(rig.connector, stream).records
        assert is_away(rig, stream, before)
        if "restore" in rig.spec(stream).writes:
            assert send(rig, stream, [Write("a2", "restore", key, None, {}, None)])["a2"].status == "done"
            assert not is_away(rig, stream, before)

    def test_putting_away_what_is_gone_costs_no_other(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "archive")
        gone, other = rig.vendor.seed(stream, 2, at=rig.yesterday())
        before = read(rig.connector, stream).records[other]
        rig.vendor.delete(stream, gone, at=rig.yesterday())
        writes = [Write(f"a-{key}", "archive", key, None, {}, None) for key in (gone, other)]

        outcomes = one_by_one(rig, stream, writes)

        assert outcomes[writes[0].action].status in ("done", "rejected", "moved")
        assert outcomes[writes[1].action].status == "done"
        assert is_away(rig, stream, before)

    def test_putting_away_whose_answer_is_lost_is_not_told_as_refused(self, rig: Rig, stream: str) -> None:
        may(rig, stream, "archive")
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        before = read(rig.connector, stream).records[key]
        write = Write("a1", "archive", key, None, {}, None)
        rig.vendor.lose()

        said = outcome(send(rig, stream, [write]), write).status

        assert said in ("done", "unknown", "later")
        assert is_away(rig, stream, before) or said != "done"

    def test_a_stream_that_is_not_written_says_so(self, rig: Rig, stream: str) -> None:
        needs(not rig.spec(stream).writes, "writes")

        with pytest.raises(ConnectorError):
            list(rig.connector.send(stream, [Write("a1", "update", "1", None, {}, None)]))


def may(rig: Rig, stream: str, op: Operation) -> None:
    needs(op in rig.spec(stream).writes, f"writes with {op}")


def creates(rig: Rig, stream: str, count: int) -> list[Write]:
    return [
        Write(f"a{number}", "create", None, f"hub-{number}", rig.vendor.draft(stream, number), None)
        for number in range(count)
    ]


def update(rig: Rig, stream: str, key: str, text: str | None) -> Write:
    """A change of the text."""
    return change(key, rig.vendor.text_path(stream), text)


def change(key: str, path: str, value: Json) -> Write:
    """A change of what stands at a path, in the shape of `values`."""
    values: dict[str, object] = {}
    *folders, name = path.split(".")
    inner = values
    for folder in folders:
        deeper: dict[str, object] = {}
        inner[folder] = deeper
        inner = deeper
    inner[name] = value
    return Write(f"a-{key}", "update", key, None, values, None)


def send(rig: Rig, stream: str, writes: Sequence[Write]) -> dict[str, Outcome]:
    """Outcomes by action. Two errors are answers too, for whatever has none then: UnknownOutcomeError says that it is
    unknown, RecordError that it was refused together and not done, so that the engine finds out by halves."""
    outcomes: dict[str, Outcome] = {}
    try:
        for one in rig.connector.send(stream, writes):
            assert one.action in {write.action for write in writes}, "an outcome of a write that nobody sent"
            assert one.action not in outcomes, "two outcomes of one write"
            outcomes[one.action] = one
    except UnknownOutcomeError:
        pass
    except RecordError as refused:
        for write in writes:
            outcomes.setdefault(write.action, Outcome(write.action, "rejected", reason=refused.text))
    return outcomes


def one_by_one(rig: Rig, stream: str, writes: Sequence[Write]) -> dict[str, Outcome]:
    """As the engine finds out who of a call that was refused as a whole is the cause: all at once, then each alone."""
    outcomes = send(rig, stream, writes)
    if len({one.status for one in outcomes.values()}) == 1 and "rejected" in {one.status for one in outcomes.values()}:
        for write in writes:
            outcomes |= send(rig, stream, [write])
    return outcomes


def is_away(rig: Rig, stream: str, before: Record) -> bool:
    """Is a record no longer listed, or told to be archived?"""
    listed = read(rig.connector, stream).records.get(before.key)
    if listed is None:
        return True
    flags = [path for path, value in before.values.items() if value is False and listed.values.get(path) is True]
    return bool(flags)


def outcome(outcomes: dict[str, Outcome], write: Write) -> Outcome:
    return outcomes.get(write.action) or Outcome(write.action, "unknown")


def nothing_twice(effects: Sequence[Effect], outcomes: dict[str, Outcome], writes: Sequence[Write]) -> None:
    made = Counter(one.key for one in effects if one.op == "create")
    assert len(made) <= len(writes), "more was created than was sent: something went out twice"
    assert max(made.values(), default=0) <= 1
    done = [one.key for one in outcomes.values() if one.status == "done"]
    assert set(done) <= set(made)


def fetched(rig: Rig, stream: str, *keys: str) -> dict[str, Record]:
    return {record.key: record for page in rig.connector.fetch(stream, keys) for record in page.records}

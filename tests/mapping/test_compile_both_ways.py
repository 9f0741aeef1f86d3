"""Reading and writing come from one declaration: what holds for every line, row and value."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.compile import CompiledMapping, Context
from mapping.values import ABSENT
from tests.mapping.mapped import info, mapped

OPTIONS = (("3", "Customer"), ("4", "Prospect"), ("5", "Partner"))
HASH = "a3" * 20

FLAT = mapped(
    {
        "*name.family": "LastName | name",
        "name.given": "FirstName | name",
        "-name.full": "Name | name",
        "name.prefix": "Salutation | text",
        "emails[work]": "Email | email",
        "emails[other]": "Email2 | email",
        "phones[work]": "Phone | phone",
        "phones[mobile]": "MobilePhone | phone",
        "phones[fax]": "Fax | phone",
        "addresses[mailing]": "@ | address(Street, City, State, Zip, Country)",
        "consent[email.marketing]": "OptOut | optout(true)",
        "works_at[primary]": "AccountId | ref(accounts)",
        "owned_by": "OwnerId | ref(users)",
        "lifecycle_stage": "Stage | map(lifecycle_stage)",
        "birth_date": "Born | day",
        "description": "Description | truncate(40)",
        "language": "Language ?? Locale | lang",
        "tags": "Tags | multi(;)",
        "custom.score": "Score | decimal",
        "custom.amount": "Amount | money(Currency)",
        "custom.seen": "Seen | at",
        "custom.day": "Day | day(account)",
        "external_ids[erp]": "Erp | id",
        "job_title": "Title",
    },
    catalogue=[
        *(info(name) for name in ("LastName", "FirstName", "Name", "Salutation", "Email", "Email2", "Phone", "Fax")),
        *(info(name) for name in ("MobilePhone", "Street", "City", "State", "Zip", "Country", "AccountId", "OwnerId")),
        *(info(name) for name in ("Stage", "Language", "Locale", "Tags", "Currency", "Erp")),
        info("OptOut", "bool"),
        info("Born", "date"),
        info("Description", "long_text"),
        info("Score", "number"),
        info("Amount", "number"),
        info("Seen", "datetime"),
        info("Day", "datetime"),
        info("Title", max_length=8),
    ],
)  # fmt: skip
NESTED = mapped(
    {
        "*name.full": "name | name",
        "-name.given": "first_name | name",
        "-name.family": "last_name | name",
        "emails": "emails | emails(value, label, primary)",
        "phones": "phones | phones(value, label, primary)",
        "tags": "label_ids | option",
        "works_at[primary]": "org_id | ref(organizations)",
        "owned_by": "owner.id | ref(users)",
        "addresses[work]": "address | address(route+street_number, locality, region, postal_code, country, value)",
        "consent[email.marketing]": "marketing_status | consent(consent)",
        "segment": "Segment",
        "custom.budget": "Budget",
        "custom.born": "Born",
        "custom.note": "note.text | text",
        "external_ids[shop]": "ids[kind=shop].value | id",
    },
    catalogue=[
        info("name", required=True, max_length=80),
        info("first_name", write=False),
        info("last_name", write=False),
        info("emails", "emails"),
        info("phones", "phones"),
        info("label_ids", "multi", options=OPTIONS),
        info("org_id", "ref", refers_to="organizations"),
        info("owner", "json"),
        info("address", "address"),
        info("marketing_status", "choice", options=[("no_consent", "No consent"), ("unsubscribed", "Unsubscribed"),
                                                    ("subscribed", "Subscribed")]),
        info(HASH, "choice", label="Segment", path=f"custom_fields.{HASH}", options=OPTIONS, custom=True),
        info("b" * 40, "money", label="Budget", path=f"custom_fields.{'b' * 40}", custom=True),
        info("c" * 40, "date", label="Born", path=f"custom_fields.{'c' * 40}", custom=True),
        info("note", "json"),
        info("ids", "json"),
    ],
)  # fmt: skip
UNKNOWN = mapped(
    {
        "name": "properties.name | name",
        "emails[work]": "properties.email",
        "emails[other]": "properties.more | multi(;) | each(email)",
        "phones": "phones | phones(number, kind)",
        "addresses[home]": "properties | address(street, city, state, zip, country)",
        "custom.percent": "properties.share | percent",
        "custom.yes": "properties.yes | bool",
        "custom.turned": "properties.off | not",
        "custom.minutes": "properties.length | seconds",
        "time_zone": "properties.zone",
        "urls[website]": "properties.site",
    }
)
MAPPINGS = {"flat": FLAT, "nested": NESTED, "unknown": UNKNOWN}

# -- hub values ---------------------------------------------------------------------------------------------------

ADDRESSES = ("mara@x.test", "info@x.test", "m.l@nordlicht.test")
NUMBERS = ("+49895550166", "+49895550177", "+491701234567")
WORDS = st.sampled_from(
    ["Mara", "Lind", "Dr", "শর্মিলা দত্ত", "José", "a rather long text of the family 👩‍👩‍👧‍👧 and of many words", "x"]
)


def lists_of(elements: st.SearchStrategy[Any], key: Any) -> st.SearchStrategy[Any]:
    return st.lists(elements, max_size=4, unique_by=key).map(lambda found: sorted(found, key=key) or None)


def record(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


EMAIL = st.builds(
    lambda address, more: {"address": address, **more},
    st.sampled_from(ADDRESSES),
    record(type=st.sampled_from(["work", "personal", "other", "billing"]), primary=st.just(True)),
)
PHONE = st.builds(
    lambda number, more: {"number": number, **more},
    st.sampled_from(NUMBERS),
    record(
        type=st.sampled_from(["work", "mobile", "fax", "main", "home"]), extension=st.just("12"), primary=st.just(True)
    ),
)
ADDRESS = record(
    lines=st.sampled_from([["Hauptstr. 5"], ["Hauptstr. 5", "2. Stock"]]),
    locality=st.sampled_from(["Berlin", "Potsdam"]),
    region=st.just("Brandenburg"),
    postal_code=st.sampled_from(["10115", "14467"]),
    country=st.sampled_from(["DE", "BD"]),
).filter(bool)
NAME = st.one_of(
    st.builds(lambda full: {"full": full}, WORDS),
    st.builds(lambda given, family: {"full": f"{given} {family}", "given": given, "family": family}, WORDS, WORDS),
    st.builds(lambda given: {"full": given, "given": given}, WORDS),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": NAME,
    "emails": lists_of(EMAIL, lambda one: one["address"]),
    "phones": lists_of(PHONE, lambda one: (one["number"], one.get("extension", ""))),
    "addresses": st.sampled_from(["mailing", "work", "home"]).flatmap(
        lambda type_: ADDRESS.map(lambda address: [{**address, "type": type_}])
    ),
    "consent": lists_of(
        st.builds(
            lambda channel, purpose, status: {"channel": channel, "purpose": purpose, "status": status},
            st.sampled_from(["email", "any", "phone"]),
            st.sampled_from(["marketing", "any"]),
            st.sampled_from(["granted", "denied", "withdrawn", "pending"]),
        ),
        lambda one: (one["channel"], one["purpose"]),
    ),
    "works_at": lists_of(
        st.builds(
            lambda stream, number, more: {"stream": stream, "id": str(number), **more},
            st.sampled_from(["accounts", "organizations"]),
            st.integers(1, 9),
            record(primary=st.just(True)),
        ),
        lambda one: (one["stream"], one["id"]),
    ),
    "owned_by": st.integers(1, 9).map(lambda number: [{"stream": "users", "id": str(number)}]),
    "lifecycle_stage": st.sampled_from(["lead", "mql", "customer", "other", {"code": "other", "raw": "VIP"}]),
    "birth_date": st.sampled_from(["1985-03-04", "--03-04", "1985"]),
    "description": WORDS.map(lambda word: {"text": word}),
    "language": st.sampled_from(["de", "pt-BR", "bn"]),
    "tags": st.lists(st.sampled_from(["Customer", "Partner", "VIP"]), max_size=3, unique=True).map(
        lambda found: sorted(found) or None
    ),
    "custom.score": st.sampled_from(["0", "8.5", "12000"]),
    "custom.amount": st.sampled_from([{"amount": "12000", "currency": "EUR"}, {"amount": "0.5", "currency": "USD"}]),
    "custom.budget": st.sampled_from([{"amount": "12000", "currency": "EUR"}, {"amount": "0.5", "currency": "USD"}]),
    "custom.seen": st.sampled_from(["2026-11-22T16:02:00.000Z", "2026-11-22T23:30:00.000Z"]),
    "custom.day": st.sampled_from(["2026-11-22", "2026-03-29"]),
    "custom.born": st.sampled_from(["2026-11-22", "2026-11-22T23:30:00.000Z"]),
    "external_ids": lists_of(
        st.builds(
            lambda namespace, value: {"namespace": namespace, "value": value},
            st.sampled_from(["erp", "shop"]),
            st.sampled_from(["7", "007", "A-1"]),
        ),
        lambda one: (one["namespace"], one["value"]),
    ),
    "job_title": WORDS,
    "segment": st.sampled_from(["Customer", "Partner", "VIP"]),
    "custom.note": WORDS,
    "custom.percent": st.sampled_from(["0", "12.5", "100"]),
    "custom.yes": st.booleans(),
    "custom.turned": st.booleans(),
    "custom.minutes": st.sampled_from([0, 60, 3725]),
    "time_zone": st.sampled_from(["Europe/Berlin", "Asia/Dhaka"]),
    "urls": st.just([{"kind": "website", "url": "https://x.test/"}]),
}

# -- vendor's rows ------------------------------------------------------------------------------------------------

TEXT = st.sampled_from([None, "", "Mara", " Lind ", "শর্মিলা", "a rather long text of many words"])
SPELLED = st.sampled_from([None, "", "Mara@X.test", "info@x.test", "no address"])
DIALLED = st.sampled_from([None, "", "089 5550166", "+49 89 5550177", "+491701234567", "call me"])


def row(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=columns)


COUNTRY = st.sampled_from([None, "Germany", "DE", "Deutschland", "Nowhere"])
ID = st.sampled_from([None, 7, "7", "0031"])


def with_one_preferred(parts: list[dict[str, Any]], preferred: int | None) -> list[dict[str, Any]]:
    if preferred is None:
        return parts
    return [{**part, "primary": n == preferred} for n, part in enumerate(parts)]


LABELLED = st.builds(
    with_one_preferred,
    st.lists(
        st.fixed_dictionaries(
            {"value": st.one_of(SPELLED, DIALLED), "label": st.sampled_from(["work", "home", "other"])}
        ),
        max_size=3,
    ),
    st.one_of(st.none(), st.integers(0, 2)),
)
CUSTOM = row(
    **{
        HASH: st.sampled_from([None, 3, 4, 9]),
        "b" * 40: st.sampled_from([None, {"value": 5, "currency": "USD"}, {"value": "x", "currency": "EUR"}]),
        "c" * 40: st.sampled_from([None, "2026-01-02"]),
    }
)
ROWS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "flat": row(
        LastName=TEXT, FirstName=TEXT, Name=TEXT, Salutation=TEXT, Email=SPELLED, Email2=SPELLED, Phone=DIALLED,
        MobilePhone=DIALLED, Fax=DIALLED, Street=TEXT, City=TEXT, State=TEXT, Zip=st.sampled_from([None, "10115"]),
        Country=COUNTRY, OptOut=st.sampled_from([None, True, False]), AccountId=ID, OwnerId=ID,
        Stage=st.sampled_from([None, "Lead", "marketingqualifiedlead", "VIP"]),
        Born=st.sampled_from([None, "1985-03-04", "soon"]), Description=TEXT,
        Language=st.sampled_from([None, "de", "German", "??"]), Locale=st.sampled_from([None, "pt_BR"]),
        Tags=st.sampled_from([None, "Customer; VIP", "b;a;b"]), Score=st.sampled_from([None, 12, "12.50", "x"]),
        Amount=st.sampled_from([None, 100, "100.00"]), Currency=st.sampled_from([None, "EUR", "USD"]),
        Seen=st.sampled_from([None, "2026-11-22T16:02:00Z", "2026-11-22 17:02", "then"]),
        Day=st.sampled_from([None, "2026-11-21T23:00:00Z", "2026-11-22"]), Erp=ID,
        Title=st.sampled_from([None, "", "Lead"]),
    ),
    "nested": row(
        name=TEXT, first_name=TEXT, last_name=TEXT, emails=LABELLED, phones=LABELLED,
        label_ids=st.lists(st.sampled_from([3, 4, 5, 9]), max_size=3, unique=True),
        org_id=ID, owner=st.one_of(st.none(), row(id=ID)),
        address=st.one_of(st.none(), row(route=TEXT, street_number=st.sampled_from([None, "5"]), locality=TEXT,
                                         region=TEXT, postal_code=TEXT, country=COUNTRY, value=TEXT)),
        marketing_status=st.sampled_from([None, "no_consent", "subscribed", "unsubscribed", "odd"]),
        custom_fields=st.one_of(st.none(), CUSTOM), note=st.one_of(st.none(), row(text=TEXT, author=TEXT)),
        ids=st.lists(st.fixed_dictionaries({"kind": st.sampled_from(["shop", "till"]), "value": ID}), max_size=2,
                     unique_by=lambda one: one["kind"]),
    ),
    "unknown": row(
        properties=st.one_of(
            st.none(),
            row(name=TEXT, email=SPELLED, more=st.sampled_from([None, "info@x.test;M.L@nordlicht.test", "a;b@x.test"]),
                street=TEXT, city=TEXT, country=COUNTRY, share=st.sampled_from([None, 0, "0.125"]),
                yes=st.sampled_from([None, "true", False, "maybe"]), off=st.sampled_from([None, "0", True]),
                length=st.sampled_from([None, 60, "01:02", "00:01:00"]), zone=st.sampled_from([None, "Berlin", "CET"]),
                site=st.sampled_from([None, "x.test", "HTTPS://X.test"])),
        ),
        phones=st.lists(
            st.fixed_dictionaries({"number": DIALLED, "kind": st.sampled_from(["home", "mobile"])}), max_size=3
        ),
    ),
}  # fmt: skip


def value_for(mapping: CompiledMapping, at: int) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), VALUES[mapping.fields[at]])


@st.composite
def cases(draw: st.DrawFn) -> tuple[CompiledMapping, dict[str, Any], int, Any]:
    name = draw(st.sampled_from(sorted(MAPPINGS)))
    mapping = MAPPINGS[name]
    at = draw(st.sampled_from([n for n, writable in enumerate(mapping.writable) if writable]))
    return mapping, draw(ROWS[name]), at, draw(value_for(mapping, at))


@st.composite
def whole_rows(draw: st.DrawFn) -> tuple[CompiledMapping, dict[str, Any]]:
    name = draw(st.sampled_from(sorted(MAPPINGS)))
    return MAPPINGS[name], draw(ROWS[name])


def read_once_written(mapping: CompiledMapping, at: int, value: Any, over: dict[str, Any] | None) -> Any:
    """read(write(value)), with the parts that the side makes itself as they follow from what was written."""
    written = mapping.write({at: value}, over=over)
    told = mapping.read(mapping.laid(over, written))[0][at]
    follows = mapping.follows[at]
    if not (written and follows and isinstance(told, dict) and isinstance(value, dict)):
        return told
    own = {part: one for part, one in told.items() if part not in follows}
    return own | {part: value[part] for part in follows if part in value}


@settings(max_examples=600, deadline=None)
@given(cases())
def test_shown_is_what_is_read_once_it_was_written(case: tuple[CompiledMapping, dict[str, Any], int, Any]) -> None:
    mapping, over, at, value = case

    assert mapping.shown(at, value, over=over) == read_once_written(mapping, at, value, over)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_shown_of_a_new_record_is_what_is_read_once_it_was_written(
    case: tuple[CompiledMapping, dict[str, Any], int, Any],
) -> None:
    mapping, _, at, value = case

    assert mapping.shown(at, value, over=None) == read_once_written(mapping, at, value, None)


@settings(max_examples=600, deadline=None)
@given(cases())
def test_what_was_written_once_is_not_written_again(case: tuple[CompiledMapping, dict[str, Any], int, Any]) -> None:
    mapping, over, at, value = case

    after = mapping.laid(over, mapping.write({at: value}, over=over))

    assert mapping.write({at: value}, over=after) == {}
    assert mapping.shown(at, value, over=after) == mapping.read(after)[0][at]


@settings(max_examples=600, deadline=None)
@given(whole_rows())
def test_a_record_is_not_written_over_itself(case: tuple[CompiledMapping, dict[str, Any]]) -> None:
    mapping, over = case
    values, _ = mapping.read(over)

    assert mapping.write(dict(enumerate(values)), over=over) == {}
    for at, value in enumerate(values):
        assert mapping.shown(at, value, over=over) == value


@settings(max_examples=400, deadline=None)
@given(whole_rows())
def test_what_a_side_gave_it_can_hold(case: tuple[CompiledMapping, dict[str, Any]]) -> None:
    mapping, over = case
    values, _ = mapping.read(over)
    bare = {at: value for at, value in enumerate(values) if mapping.writable[at] and value not in (None, ABSENT)}

    again, faults = mapping.read(mapping.laid({}, mapping.write(bare, over=None)))

    assert faults == []
    for at, value in bare.items():
        # Grants are never written, nor is what has no code of ours; names that stand twice may differ (below).
        if mapping.fields[at] not in ("name", "consent") and not (isinstance(value, dict) and "code" in value):
            assert again[at] == value, mapping.fields[at]


@settings(max_examples=300, deadline=None)
@given(cases())
def test_a_write_touches_nothing_else(case: tuple[CompiledMapping, dict[str, Any], int, Any]) -> None:
    mapping, over, at, value = case
    before, _ = mapping.read(over)

    after, _ = mapping.read(mapping.laid(over, mapping.write({at: value}, over=over)))

    # What stood in an object that was empty as a whole is not known once something stands in it.
    others = [(one or None, two or None) for n, (one, two) in enumerate(zip(before, after, strict=True)) if n != at]
    assert [one for one, _ in others] == [two for _, two in others]


@pytest.mark.parametrize("name", sorted(MAPPINGS))
def test_every_field_of_these_mappings_is_tried(name: str) -> None:
    mapping = MAPPINGS[name]
    assert {field for n, field in enumerate(mapping.fields) if mapping.writable[n]} <= set(VALUES)


@pytest.mark.parametrize(("open_", "shown"), [(False, "Web"), (True, "Fair")])
def test_a_word_that_is_no_option_is_told_to_an_open_choice_alone(open_: bool, shown: str) -> None:
    options = [(word, word) for word in ("Web", "Partner")]
    crm = mapped({"lead_source": "Source | text"}, catalogue=[info("Source", "choice", options=options, open=open_)])
    row = {"Source": "Web"}

    assert crm.shown(0, "Fair", over=row) == shown
    assert crm.write({0: "Fair"}, over=row) == ({"Source": "Fair"} if open_ else {})
    assert crm.shown(0, "Partner", over=row) == "Partner"


@pytest.mark.parametrize(
    ("currency", "shown"), [(None, {"amount": "1201"}), ("EUR", {"amount": "1201", "currency": "EUR"})]
)
def test_an_amount_of_the_company_is_told_to_a_side_that_knows_no_currency(currency: str | None, shown: Any) -> None:
    around = Context(connection="cem", label="Acme", currency=currency)
    cem = mapped({"company.account_revenue": "embeddedData.crm_revenue | round(0)"}, context=around)
    wanted = {"amount": "1200.5", "currency": "EUR"}
    row = {"embeddedData": {"crm_revenue": "n/a"}}

    assert str(cem.write({0: wanted}, over=row)["embeddedData"]["crm_revenue"]) == "1201"
    assert cem.shown(0, wanted, over=row) == shown
    assert cem.shown(0, None, over=row) is None

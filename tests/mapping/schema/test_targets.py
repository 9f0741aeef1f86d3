"""What a mapping may write, and what the text of a target means."""

import pytest

from mapping.schema import ASSOCIATIONS, KINDS, UnknownField, names, target

# What the default mappings of all known vendors write, by kind.
WRITTEN = {
    "person": "addresses[mailing] addresses[other] addresses[work] attributes birth_date company_name "
    "consent[email.any] consent[email.marketing] consent[email.marketing].captured_at consent[email.survey] "
    "consent[email.survey].captured_at consent[phone.any] consent[phone.marketing] department description emails "
    "emails[other] emails[personal] emails[primary] emails[primary].status emails[work] emails[work].status "
    "external_ids[external_id] external_ids[extref] industry job_title language last_activity_at lead_score "
    "lead_source lead_status lifecycle_stage member_of name.additional name.family name.full name.given name.prefix "
    "name.variants[phonetic] owned_by phones phones[fax] phones[home] phones[main] phones[mobile] phones[other] "
    "phones[primary] phones[work] rating reports_to tags urls[facebook] urls[linkedin] urls[skype] urls[website] "
    "urls[x] works_at works_at[primary]",
    "company": "addresses[billing] addresses[shipping] annual_revenue child_of description employee_count "
    "external_ids[account_number] industry name owned_by ownership phones[fax] phones[main] rating "
    "registrations[sic] relationship tags website",
    "deal": "amount amount_home closed_on description expected_close_date forecast_category lost_reason name next_step "
    "of_company[primary] on_deal[primary] owned_by owned_by[responsible] priority recurring.acv recurring.arr "
    "recurring.mrr source stage.changed_at stage.pipeline stage.probability stage.stage stage.status tags type",
    "activity": "about[company] about[participant] about[subject] body completed_at direction due duration_s end kind "
    "location outcome owned_by priority start status subject subtype",
    "ticket": "about[requester] about[subject] body channel closed_at kind number owned_by priority requester_email "
    "status subject",
    "owner": "active email kind language manager name time_zone",
    "campaign": "channel end name start status",
    "membership": "has_responded member_of person responded_at status",
    "on_deal": "from primary role to",
    "works_at": "from title to",
    "survey": "carriers name questions status url",
    "invitation": "completed_at link opened_at person response sent_at started_at status",
    "response": "answers channel comment completed_at consent[email.survey] context context.segment drivers duration_s "
    "exclusion invitation invitation.opened_at invitation.scheduled_at invitation.sent_at language modified_at "
    "recorded_at respondent.company_name respondent.email respondent.family respondent.full respondent.given "
    "respondent.phone respondent.refs[contact_id] respondent.refs[custom_value] respondent.refs[customer_id] "
    "respondent.refs[external_id] respondent.refs[extref] respondent.refs[number_customer] respondent.refs[userId] "
    "respondent.token respondent.tool_contact scores[nps] started_at status survey_id tags topics touchpoint_at url",
}
ALL = [(kind, text) for kind, told in WRITTEN.items() for text in told.split()] + [
    ("response", "scores[by properties.hs_survey_type]"),
    ("response", "scores[by question_type]"),
]
# What an operator writes of their own: CX onto the CRM, context into the survey tool, fields of their own.
OWN = [
    ("person", "cx.nps.score"),
    ("person", "cx.responses"),
    ("company", "cx.nps.value"),
    ("person", "custom.tier"),
    ("person", "hub_id"),
    ("person", "owner.name"),
    ("person", "owner.email"),
    ("person", "company.segment"),
    ("person", "company.account_revenue"),
    ("person", "company.hub_id"),
]


@pytest.mark.parametrize(("kind", "text"), ALL + OWN, ids=lambda one: one)
def test_every_target_of_a_mapping_has_a_field(kind: str, text: str) -> None:
    found = target(kind, text)

    fields = (KINDS.get(kind) or ASSOCIATIONS[kind]).fields
    assert found.field.name in fields or found.through or text.startswith("custom.")
    assert found.field.name == text or text.startswith((f"{found.field.name}[", f"{found.field.name}."))


@pytest.mark.parametrize(
    ("kind", "text", "field", "sets", "part", "type_"),
    [
        ("person", "emails[work]", "emails", {"type": "work"}, None, "email"),
        ("person", "emails[work].status", "emails", {"type": "work"}, "status", "choice"),
        ("person", "emails[primary]", "emails", {"primary": True}, None, "email"),
        ("person", "name.given", "name", {}, "given", "text"),
        ("person", "name.variants[phonetic]", "name.variants", {"kind": "phonetic"}, None, "name"),
        ("person", "consent[sms.any]", "consent", {"channel": "sms", "purpose": "any"}, None, "consent"),
        ("person", "works_at[former]", "works_at", {"role": "former"}, None, "ref"),
        ("person", "works_at[primary]", "works_at", {"primary": True}, None, "ref"),
        ("person", "external_ids[erp]", "external_ids", {"namespace": "erp"}, None, "pair"),
        ("company", "registrations[LEI]", "registrations", {"scheme": "LEI"}, None, "pair"),
        ("deal", "stage.status", "stage", {}, "status", "choice"),
        ("deal", "recurring.arr", "recurring", {}, "arr", "money"),
        ("response", "respondent.refs[contact_id]", "respondent", {"namespace": "contact_id"}, "refs", "pair"),
        ("response", "context.segment", "context", {}, "segment", "text"),
        ("response", "scores[nps]", "scores", {"metric": "nps"}, None, "score"),
        ("person", "cx.nps.score", "cx.nps.score", {}, None, "decimal"),
    ],
)
def test_a_target_says_which_element_and_part_it_fills(
    kind: str, text: str, field: str, sets: dict[str, object], part: str | None, type_: str
) -> None:
    found = target(kind, text)

    assert (found.field.name, dict(found.sets), found.part, found.type) == (field, sets, part, type_)


def test_a_selector_may_come_from_the_row() -> None:
    found = target("response", "scores[by question_type]")

    assert (found.by, dict(found.sets)) == ("question_type", {})


def test_a_bare_value_has_a_type_of_its_own() -> None:
    assert target("person", "external_ids[erp]").value_type == "id"
    assert target("response", "respondent.refs[erp]").value_type == "id"
    assert target("company", "annual_revenue").value_type == "decimal"
    assert target("person", "job_title").value_type == "text"


def test_a_field_of_a_referred_record_is_looked_up_and_never_merged() -> None:
    revenue = target("person", "company.account_revenue")
    sent = target("response", "invitation.sent_at")

    assert (revenue.field.name, revenue.field.merge, revenue.through) == (
        "company.account_revenue",
        "derived",
        "works_at",
    )
    assert (sent.field.name, sent.field.merge, sent.through) == ("invitation.sent_at", "src", "invitation")
    with pytest.raises(UnknownField):
        target("person", "company.owner.name")


def test_a_custom_field_is_text_unless_told() -> None:
    assert target("deal", "custom.tier").field.type == "text"
    assert target("deal", "custom.seats", custom="int").field.type == "int"
    assert target("deal", "custom.labels", custom="tags").field.shape == "set"
    assert target("deal", "custom.tier").field.merge == "crm"


@pytest.mark.parametrize(
    ("kind", "text", "near"),
    [
        ("person", "emial", "emails"),
        ("person", "emails[wrok]", "emails[work]"),
        ("person", "emails[work].staus", "emails[work]"),
        ("person", "name.givn", "name.given"),
        ("person", "consent[email.marketting]", "consent[email.marketing]"),
        ("person", "custom.Kunden Stufe", "custom.kunden_stufe"),
        ("company", "cx.nps.score", "cx.nps.margin"),
        ("persn", "name", "person"),
    ],
)
def test_an_unknown_target_names_the_nearest(kind: str, text: str, near: str) -> None:
    with pytest.raises(UnknownField) as caught:
        target(kind, text)

    assert near in caught.value.near


@pytest.mark.parametrize(
    "text",
    [
        "",
        "emails[",
        "emails[]",
        "emails.address",
        "job_title[x]",
        "name.full.x",
        "emails[work].x.y",
        "[work]",
        "custom.",
    ],
)
def test_a_broken_target_is_unknown_and_nothing_worse(text: str) -> None:
    with pytest.raises(UnknownField):
        target("person", text)


@pytest.mark.parametrize("kind", [*KINDS, *ASSOCIATIONS])
def test_every_name_that_is_offered_resolves(kind: str) -> None:
    offered = names(kind)

    assert len(offered) == len(set(offered))
    for text in offered:
        assert target(kind, text).field is not None

"""References to other records, as lists of {stream, id}. Many: a set keyed by the entity they lead to; one: a unit.

`owned_by` is one decision although several may own a record: who is responsible is not put together from two systems.
"""

from typing import Final

from mapping.merge.policy import MergeCode
from mapping.schema.field import Field, Kind, Pii, with_other

# The part under which an element leads to its entity once it is resolved; streams and ids differ from side to side.
KEY: Final = ("entity", "role")
_PARTS: Final = {"stream": "text", "id": "id", "role": "choice", "primary": "bool"}


def many(
    name: str,
    *,
    meaning: str,
    roles: str = "",
    merge: MergeCode = "crm",
    pii: Pii = "indirect",
    also: dict[str, str] | None = None,
    on_role: bool = True,
) -> Field:
    codes = with_other(roles) if roles else ()
    return Field(
        name=name,
        type="ref",
        shape="set",
        key=KEY,
        merge=merge,
        pii=pii,
        parts={**_PARTS, **(also or {})},
        part_codes={"role": codes} if codes else {},
        value="id",
        selector="role" if on_role else None,
        selectors=(*codes, "primary") if on_role else (),
        refers=True,
        meaning=meaning,
    )


def one(name: str, *, meaning: str, merge: MergeCode = "crm", pii: Pii = "indirect", required: bool = False) -> Field:
    return Field(
        name=name,
        type="ref",
        merge=merge,
        pii=pii,
        required=required,
        parts={"stream": "text", "id": "id"},
        value="id",
        refers=True,
        meaning=meaning,
    )


def owned_by(merge: MergeCode = "crm") -> Field:
    roles = ("owner", "responsible", "creator", "other")
    return Field(
        name="owned_by",
        type="ref",
        merge=merge,
        pii="indirect",
        parts=_PARTS,
        part_codes={"role": roles},
        value="id",
        selector="role",
        selectors=(*roles, "primary"),
        refers=True,
        meaning="whose record it is: users, queues, teams",
    )


_WORKS_AT_ROLES: Final = "employee owner contractor former other"
_ON_DEAL_ROLES: Final = "decision_maker influencer buyer user billing partner other"

WORKS_AT: Final = many(
    "works_at",
    roles=_WORKS_AT_ROLES,
    also={"title": "text", "since": "date", "until": "date", "label": "text"},
    meaning="the companies of a person; a side with one slot gets the primary one",
)
REPORTS_TO: Final = one("reports_to", meaning="the person this one reports to")
RELATED: Final = many("related", on_role=False, also={"label": "text"}, meaning="other people this one belongs with")
CHILD_OF: Final = one("child_of", pii="none", meaning="the parent company")
ON_DEAL: Final = many("on_deal", roles=_ON_DEAL_ROLES, meaning="the people of a deal")
OF_COMPANY: Final = many("of_company", on_role=True, pii="none", meaning="the companies of a deal, one of them primary")
ABOUT: Final = many(
    "about",
    roles="requester participant organizer sender recipient subject company other",
    merge="src",
    meaning="the people, companies and deals that it concerns",
)
MEMBER_OF: Final = many("member_of", on_role=False, merge="src", meaning="the campaigns and lists of a person")
CONCERNS: Final = many(
    "concerns", on_role=False, merge="src", meaning="the company, deal, ticket, purchase or owner that was asked about"
)


def _ends(name: str, start: str, end: str, *more: Field) -> Kind:
    return Kind.of(
        name,
        one("from", merge="src", required=True, meaning=f"the {start}"),
        one("to", merge="src", required=True, meaning=f"the {end}"),
        *more,
        Field(name="primary", type="bool", merge="src", meaning="is it the main one of its kind?"),
        Field(name="title", type="text", merge="src", pii="indirect", meaning="job title or name of the relation"),
        Field(name="since", type="date", merge="src", pii="indirect", meaning="first day"),
        Field(name="until", type="date", merge="src", pii="indirect", meaning="last day"),
        Field(name="label", type="text", merge="src", pii="indirect", meaning="what the system calls it"),
    )


def _role(codes: str) -> Field:
    return Field(
        name="role", type="choice", codes=with_other(codes), merge="src", pii="indirect", meaning="in which role"
    )


# Associations that some systems keep as rows of their own (contact roles, account contacts).
ASSOCIATIONS: Final = {
    kind.name: kind
    for kind in (
        _ends("works_at", "person", "company", _role(_WORKS_AT_ROLES)),
        _ends("on_deal", "person", "deal", _role(_ON_DEAL_ROLES)),
        _ends("of_company", "deal", "company"),
        _ends("member_of", "person", "campaign"),
    )
}

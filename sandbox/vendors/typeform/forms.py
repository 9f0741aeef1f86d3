"""The forms of the simulated Typeform account: what they ask, and how an answer of the world is written down in them.

Questions are told apart by `ref`, which stays when a title or an id changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from sandbox.ids import token
from sandbox.people import Person
from sandbox.web import Json
from sandbox.world import RAHIM, Survey, World
from sandbox.world import Answer as Said

# Answers of one response: the question's ref to its typed value.
Values = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`definition` is what `GET /forms/{id}` shows."""

    survey: Survey
    definition: Json
    fields: Mapping[str, Json]  # by ref, those within groups too

    @property
    def id(self) -> str:
        return str(self.definition["id"])


def _field(kind: str, ref: str, title: str, **properties: Json) -> Json:
    required = bool(properties.pop("required", False))
    return {"ref": ref, "title": title, "type": kind, "properties": properties, "validations": {"required": required}}


def _choices(*labels: str) -> list[Json]:
    return [{"label": label} for label in labels]


def _contact(ref: str, title: str) -> Json:
    return _field(
        "contact_info",
        ref,
        title,
        fields=[
            _field("short_text", f"{ref}_first", "First name"),
            _field("short_text", f"{ref}_last", "Last name"),
            _field("phone_number", f"{ref}_phone", "Phone number", default_country_code="SE"),
            _field("email", f"{ref}_email", "Email"),
            _field("short_text", f"{ref}_company", "Company"),
        ],
    )


_ASKED: Final[Mapping[Survey, tuple[str, Sequence[str], Sequence[Json]]]] = {
    "relationship": (
        "Relationship 2026",
        ("contact_id", "account_id", "email"),
        (
            _field(
                "nps",
                "nps",
                "How likely are you to recommend us to a colleague?",
                steps=11,
                start_at_one=False,
                required=True,
                labels={"left": "Not likely at all", "right": "Extremely likely"},
            ),
            _field("long_text", "nps_reason", "What is the main reason for your score?"),
            _field("yes_no", "may_contact", "May we call you about it?"),
            _contact("contact", "How do we reach you?"),
        ),
    ),
    "support": (
        "Support: how did we do? 🛠",
        ("ticket_id", "contact_id"),
        (
            _field("rating", "csat", "How satisfied are you with our answer?", steps=5, shape="star", required=True),
            _field(
                "opinion_scale",
                "effort",
                "It was easy to get my problem solved",
                steps=7,
                start_at_one=True,
                labels={"left": "Strongly disagree", "right": "Strongly agree"},
            ),
            _field(
                "multiple_choice",
                "topics",
                "What was it about?",
                allow_multiple_selection=True,
                allow_other_choice=True,
                choices=_choices("Invoice", "Delivery", "Product", "Something else"),
            ),
            _field("short_text", "order", "Order number"),
            _field("email", "email", "Your e-mail address"),
        ),
    ),
    "study": (
        "Customer study",
        ("contact_id",),
        (
            _field("statement", "welcome", "Twenty minutes, and a voucher at the end."),
            _field("opinion_scale", "trust", "I trust them", steps=11, start_at_one=False),
            _field("opinion_scale", "quality", "Quality (1 to 5)", steps=5, start_at_one=True),
            _field(
                "multiple_choice",
                "role",
                "Your role",
                allow_other_choice=True,
                choices=_choices("Buyer", "User", "Management"),
            ),
            _field(
                "dropdown",
                "country",
                "Country",
                choices=_choices("Germany", "Sweden", "Bangladesh", "Japan", "Elsewhere"),
            ),
            _field("ranking", "priorities", "Rank these", choices=_choices("Price", "Speed", "Service")),
            _field(
                "matrix",
                "grid",
                "How do you rate …",
                fields=[
                    _field("multiple_choice", "grid_price", "Price", choices=_choices("poor", "fair", "good")),
                    _field("multiple_choice", "grid_speed", "Speed", choices=_choices("poor", "fair", "good")),
                ],
            ),
            _field(
                "group",
                "firm",
                "Your company",
                fields=[
                    _field("number", "headcount", "How many people work there?"),
                    _field("website", "site", "Website"),
                    _field("date", "since", "Customer since", separator="/", structure="DDMMYYYY"),
                ],
            ),
            _field("picture_choice", "logo", "Which logo do you like?", choices=_choices("A", "B")),
            _field("file_upload", "photo", "Show us your installation"),
            _field("payment", "gift", "A donation?", currency="EUR", price={"type": "variable", "value": "5.00"}),
            _field("video", "video", "Say it in your own words"),
            _field("legal", "terms", "You may use my answers"),
            _contact("person", "Who are you?"),
        ),
    ),
}
_UNANSWERED: Final = frozenset({"statement", "group", "contact_info", "matrix"})


def forms(world: World) -> list[Form]:
    """The account's forms. Their ids differ from seed to seed."""
    return [_form(world, survey, nth) for nth, survey in enumerate(_ASKED)]


def _form(world: World, survey: Survey, nth: int) -> Form:
    title, hidden, asked = _ASKED[survey]
    form_id = token(8, world.seed, "form", survey)
    fields: dict[str, Json] = {}

    def numbered(field: Json) -> Json:
        properties = dict(field["properties"])
        if "choices" in properties:
            properties["choices"] = [
                {"id": token(12, world.seed, field["ref"], choice["label"]), "ref": f"{field['ref']}_{at}", **choice}
                for at, choice in enumerate(properties["choices"])
            ]
        if "fields" in properties:
            properties["fields"] = [numbered(inner) for inner in properties["fields"]]
        made = {"id": token(12, world.seed, survey, field["ref"]), **field, "properties": properties}
        fields[field["ref"]] = made
        return made

    definition = {
        "id": form_id,
        "type": "quiz",
        "title": title,
        "workspace": {"href": "https://api.typeform.com/workspaces/Wk0001"},
        "theme": {"href": "https://api.typeform.com/themes/Th0001"},
        "settings": {"language": "en", "is_public": survey != "study", "is_trial": False, "progress_bar": "proportion"},
        "thankyou_screens": [
            {
                "id": token(12, form_id, "thanks"),
                "ref": "default_tys",
                "title": "Thank you",
                "type": "thankyou_screen",
                "properties": {"show_button": False},
            }
        ],
        "hidden": list(hidden),
        "variables": {"score": 0},
        "logic": [],
        "fields": [numbered(field) for field in asked],
        "created_at": f"2024-0{nth + 2}-11T09:00:00Z",
        "last_updated_at": f"2026-0{nth + 6}-01T00:00:00Z",
        "_links": {"display": f"https://form.typeform.test/to/{form_id}"},
    }
    return Form(survey=survey, definition=definition, fields=fields)


def response(world: World, form: Form, said: Said, nth: int) -> Json:
    """One answer of the world as a response of its form, `nth` in the form."""
    rng = world.draw("typeform", form.survey, nth)
    key = token(22, world.seed, form.survey, "response", nth)
    values = {} if said.state == "started" else _WRITERS[form.survey](form, said, rng)
    if said.state == "partial":
        values = dict(list(values.items())[:1])
    submitted = said.submitted
    return {
        "landing_id": key,
        "token": key,
        "response_id": key,
        "response_type": said.state,
        "landed_at": _stamp(said.landed),
        "submitted_at": "0001-01-01T00:00:00Z" if submitted is None else _stamp(submitted),
        "metadata": {
            "user_agent": "Mozilla/5.0",
            "platform": rng.choice(("other", "mobile")),
            "referer": f"https://form.typeform.test/to/{form.id}",
            "network_id": token(10, key),
            "browser": "default",
        },
        "hidden": _hidden(world, form, said, rng),
        "calculated": {"score": 0},
        "variables": [{"key": "score", "type": "number", "number": 0}],
        "tags": [],
        "answers": answers(form, values),
    }


def _stamp(at: datetime) -> str:
    return at.isoformat()[:19] + "Z"


def answers(form: Form, values: Values) -> list[Json]:
    """Typed values by ref as a response carries them, in the order of the form; what is not answered is absent."""
    found = []
    for ref, field in form.fields.items():
        if ref in values and field["type"] not in _UNANSWERED:
            kind = answer_type(field)
            shown = {"id": field["id"], "ref": ref, "type": field["type"]}
            found.append({"field": shown, "type": kind, kind: _typed(field, kind, values[ref])})
    return found


def answer_type(field: Json) -> str:
    """The answer type that a question's type gives."""
    if field["type"] == "multiple_choice" and field["properties"].get("allow_multiple_selection"):
        return "choices"
    return _TYPES[field["type"]]


_TYPES: Final = {
    "nps": "number",
    "opinion_scale": "number",
    "rating": "number",
    "number": "number",
    "yes_no": "boolean",
    "legal": "boolean",
    "short_text": "text",
    "long_text": "text",
    "email": "email",
    "phone_number": "phone_number",
    "website": "url",
    "date": "date",
    "multiple_choice": "choice",
    "dropdown": "choice",
    "picture_choice": "choices",
    "ranking": "choices",
    "file_upload": "file_url",
    "payment": "payment",
    "video": "multi_format",
}


def _typed(field: Json, kind: str, value: Json) -> Json:
    if kind not in {"choice", "choices"}:
        return value
    known = {choice["label"]: choice for choice in field["properties"]["choices"]}
    labels = value if isinstance(value, list) else [value]
    picked = [known[label] for label in labels if label in known]
    other = next((label for label in labels if label not in known), None)
    if kind == "choice":
        return {"other": other} if other else {name: picked[0][name] for name in ("id", "ref", "label")}
    several = {f"{name}s": [choice[name] for choice in picked] for name in ("id", "ref", "label")}
    return {**several, "other": other} if other else several


def _hidden(world: World, form: Form, said: Said, rng: Random) -> Json:
    """The names of the share link. Most links were sent from the CRM and carry its id; some were passed on without."""
    names = form.definition["hidden"]
    filled = dict.fromkeys(names, "")
    person = said.person
    if person is None:
        return filled
    crm_id = world.crm_id(person)
    if person.number == RAHIM:
        filled["email"] = person.private_email
        return filled
    if crm_id is not None and (rng.random() < 0.7 or person.number < RAHIM):
        filled["contact_id"] = str(crm_id)
        if "account_id" in filled and person.company is not None:
            filled["account_id"] = str(world.organizations.get(person.company, ""))
    if "email" in filled and rng.random() < 0.5:
        filled["email"] = person.work_email or person.private_email
    if "ticket_id" in filled:
        filled["ticket_id"] = f"T-{rng.randrange(10000, 99999)}"
    return filled


def _contact_values(ref: str, person: Person, rng: Random, *, phone: bool = True) -> Values:
    native = rng.random() < 0.5 or person.number == RAHIM
    given, family = person.given[0 if native else 1], person.family and person.family[0 if native else 1]
    mail = (
        person.private_email
        if rng.random() < 0.3 or person.number == RAHIM
        else person.work_email or person.private_email
    )
    values: Values = {f"{ref}_first": given}
    if family:
        values[f"{ref}_last"] = family
    if phone:
        values[f"{ref}_phone"] = person.phone
    return {**values, f"{ref}_email": mail}


def _relationship(form: Form, said: Said, rng: Random) -> Values:
    values: Values = {"nps": said.score}
    if said.comment:
        values["nps_reason"] = said.comment
    person = said.person
    certain = person is not None and person.number <= RAHIM
    if certain or rng.random() < 0.8:
        willing = certain or rng.random() < 0.35
        values["may_contact"] = willing
        if willing and person is not None:
            values |= _contact_values("contact", person, rng)
    return values


def _support(form: Form, said: Said, rng: Random) -> Values:
    values: Values = {"csat": max(1, min(5, 1 + said.score * 4 // 10))}
    if rng.random() < 0.8:
        values["effort"] = max(1, min(7, 1 + said.score * 6 // 10))
    if rng.random() < 0.6:
        picked = rng.sample(["Invoice", "Delivery", "Product"], rng.randrange(1, 3))
        values["topics"] = [*picked, "Hotline 📞"] if rng.random() < 0.1 else picked
    if rng.random() < 0.5:
        values["order"] = f"B-2026-{rng.randrange(1, 99999):05d}"
    if said.person is not None and rng.random() < 0.6:
        values["email"] = (
            said.person.work_email if said.person.work_email and rng.random() < 0.7 else said.person.private_email
        )
    return values


def _study(form: Form, said: Said, rng: Random) -> Values:
    grades = ("poor", "fair", "good")
    values: Values = {
        "trust": said.score,
        "quality": max(1, min(5, 1 + said.score * 4 // 10)),
        "role": rng.choice(("Buyer", "User", "Management", "Praktikant")),
        "country": rng.choice(("Germany", "Sweden", "Elsewhere")),
        "priorities": rng.sample(["Price", "Speed", "Service"], 3),
        "grid_price": rng.choice(grades),
        "grid_speed": rng.choice(grades),
        "headcount": rng.randrange(1, 4000),
        "site": f"https://firm{rng.randrange(999)}.test/",
        "since": f"20{rng.randrange(10, 26)}-0{rng.randrange(1, 10)}-15",
        "logo": ["A"],
    }
    if rng.random() < 0.3:
        values["photo"] = (
            f"https://api.typeform.test/forms/{form.id}/responses/files/{rng.getrandbits(40):010x}-roof.jpg"
        )
    if rng.random() < 0.1:
        values["gift"] = {"amount": "5.00", "last4": "4242", "name": "A Donor", "success": True}
    if rng.random() < 0.1:
        values["video"] = {"video_url": "https://video.typeform.test/v/1", "transcript": "Alles gut."}
    values["terms"] = rng.random() < 0.9
    if said.person is not None and rng.random() < 0.7:
        values |= _contact_values("person", said.person, rng, phone=rng.random() < 0.5)
    return values


_WRITERS: Final[Mapping[Survey, Callable[[Form, Said, Random], Values]]] = {
    "relationship": _relationship,
    "support": _support,
    "study": _study,
}

"""What the account tells of itself: organisation, users, modules, fields, layouts, pipelines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import COMPANY, LICENCES, ME, ORG_ID, Account
from sandbox.vendors.zoho.answers import NO_CONTENT, NOT_MODIFIED, invalid_id, invalid_module, missing_param
from sandbox.vendors.zoho.fields import ADDED
from sandbox.vendors.zoho.listing import choice, numbered, since
from sandbox.vendors.zoho.modules import MODULES, PIPELINES, STAGES
from sandbox.vendors.zoho.related import lists_of
from sandbox.vendors.zoho.stamps import kept, read, record_id
from sandbox.web import Answer, Call, Json, dump

_USER_TYPES: Final[Mapping[str, Callable[[Record], bool]]] = {
    "AllUsers": lambda user: True,
    "ActiveUsers": lambda user: user["status"] == "active",
    "DeactiveUsers": lambda user: user["status"] == "inactive",
    "ConfirmedUsers": lambda user: bool(user["confirm"]),
    "NotConfirmedUsers": lambda user: not user["confirm"],
    "DeletedUsers": lambda user: user["status"] == "deleted",
    "ActiveConfirmedUsers": lambda user: user["status"] == "active",
    "AdminUsers": lambda user: user["profile"]["name"] == "Administrator",
    "ActiveConfirmedAdmins": lambda user: user["status"] == "active" and user["profile"]["name"] == "Administrator",
    "CurrentUser": lambda user: user["id"] == ME,
}


class Settings:
    def __init__(self, account: Account) -> None:
        self._account = account

    def org(self, call: Call, at: Sequence[str]) -> Answer:
        shown = {
            "company_name": COMPANY,
            "domain_name": "nordlicht",
            "alias": None,
            "id": record_id(3017),
            "zgid": ORG_ID,
            "ezgid": "39ee427d9f8e7c6b5a4d3c2b1a0f9e8d",
            "primary_email": "integration@nordlicht.test",
            "primary_zuid": "20068510380",
            "website": "https://nordlicht.test",
            "description": None,
            "phone": None,
            "mobile": None,
            "fax": None,
            "street": None,
            "city": "Berlin",
            "state": None,
            "zip": None,
            "country": "Germany",
            "country_code": "DE",
            "currency": "Euro - EUR",
            "currency_locale": "de_DE",
            "currency_symbol": "€",
            "iso_code": "EUR",
            "time_zone": "Europe/Berlin",
            "employee_count": "120",
            "photo_id": None,
            "mc_status": True,
            "gapps_enabled": False,
            "translation_enabled": False,
            "privacy_settings": False,
            "hipaa_compliance_enabled": False,
            "lite_users_enabled": False,
            "deletable_org_account": False,
            "oauth_presence": True,
            "max_per_page": 200,
            "call_icon": "true",
            "zia_portal_id": None,
            "zia_zgid": None,
            "type": "Production",
            "created_time": "2021-01-04T09:00:00+01:00",
            "hierarchy_preferences": {"type": "Role_Hierarchy", "strictly_reporting": False},
            "checkin_preferences": {"restricted_event_types": "own"},
            "license_details": {
                "paid": True,
                "paid_type": "enterprise",
                "paid_expiry": None,
                "trial_type": None,
                "trial_expiry": None,
                "trial_action": None,
                "users_license_purchased": LICENCES,
            },
        }
        return Answer(200, dump({"org": [shown]}))

    def users(self, call: Call, at: Sequence[str]) -> Answer:
        kept_one = _USER_TYPES[choice(call.query, "type", tuple(_USER_TYPES))]
        moment = since(call)
        rows = [user for user in self._account.users if kept_one(user) and _changed_since(user, moment)]
        return numbered(call, rows, key="users", most=None)

    def user(self, call: Call, at: Sequence[str]) -> Answer:
        user = self._account.user(at[0])
        if user is None:
            return NO_CONTENT
        if not _changed_since(user, since(call)):
            return NOT_MODIFIED
        return Answer(200, dump({"users": [user]}))

    def user_count(self, call: Call, at: Sequence[str]) -> Answer:
        kept_one = _USER_TYPES[choice(call.query, "type", tuple(_USER_TYPES))]
        return Answer(200, dump({"count": sum(1 for user in self._account.users if kept_one(user))}))

    def modules(self, call: Call, at: Sequence[str]) -> Answer:
        moment = since(call)
        if moment is not None and moment > kept_time(ADDED):
            return NOT_MODIFIED
        return Answer(200, dump({"modules": [_module(name) for name in MODULES]}))

    def module(self, call: Call, at: Sequence[str]) -> Answer:
        for name, spec in MODULES.items():
            if at[0] in {name, record_id(spec.number)}:
                return Answer(200, dump({"modules": [_module(name)]}))
        raise invalid_module()

    def fields(self, call: Call, at: Sequence[str]) -> Answer:
        catalogue = self._account.catalogues[self._asked(call)]
        if call.query.get("type") == "unused":
            return NO_CONTENT
        return Answer(200, dump({"fields": [found.json() for found in catalogue.fields.values()]}))

    def field(self, call: Call, at: Sequence[str]) -> Answer:
        catalogue = self._account.catalogues[self._asked(call)]
        for found in catalogue.fields.values():
            if at[0] == found.id:
                return Answer(200, dump({"fields": [found.json()]}))
        raise invalid_id(2)

    def layouts(self, call: Call, at: Sequence[str]) -> Answer:
        return Answer(200, dump({"layouts": [self._layout(self._asked(call))]}))

    def layout(self, call: Call, at: Sequence[str]) -> Answer:
        module = self._asked(call)
        if at[0] != _layout_id(module):
            raise invalid_id(2)
        return Answer(200, dump({"layouts": [self._layout(module)]}))

    def pipelines(self, call: Call, at: Sequence[str]) -> Answer:
        if not call.query.get("layout_id"):
            raise missing_param("layout_id")
        if call.query["layout_id"] != _layout_id("Deals"):
            raise invalid_id(2)
        return Answer(200, dump({"pipeline": list(_pipelines())}))

    def related_lists(self, call: Call, at: Sequence[str]) -> Answer:
        module = self._asked(call)
        lists = [
            {
                "id": record_id(MODULES[module].number * 100 + nth),
                "api_name": name,
                "name": name.replace("_", " "),
                "display_label": name.replace("_", " "),
                "module": {"api_name": of, "id": record_id(MODULES[of].number)},
                "href": f"{module}/{{ENTITYID}}/{name}",
                "type": "default",
                "action": None,
                "connectedmodule": None,
                "linkingmodule": None,
                "sequence_number": str(nth + 1),
            }
            for nth, (name, of) in enumerate(lists_of(module).items())
        ]
        return Answer(200, dump({"related_lists": lists})) if lists else NO_CONTENT

    def contact_roles(self, call: Call, at: Sequence[str]) -> Answer:
        return Answer(200, dump({"contact_roles": self._account.contact_roles}))

    def _asked(self, call: Call) -> str:
        module = call.query.get("module")
        if not module:
            raise missing_param("module")
        if module not in MODULES:
            raise invalid_module()
        return module

    def _layout(self, module: str) -> Json:
        spec = MODULES[module]
        fields = [found.json() for found in self._account.catalogues[module].fields.values()]
        for nth, found in enumerate(fields, start=1):
            found |= {"required": found["system_mandatory"], "sequence_number": nth, "section_id": 1}
        section = {
            "api_name": f"{spec.singular} Information",
            "name": f"{spec.singular} Information",
            "display_label": f"{spec.singular} Information",
            "generated_type": "default",
            "isSubformSection": False,
            "tab_traversal": None,
            "column_count": 2,
            "sequence_number": 1,
            "type": "used",
            "properties": None,
            "fields": fields,
        }
        return {
            "id": _layout_id(module),
            "name": "Standard",
            "api_name": "Standard",
            "display_label": "Standard",
            "visible": True,
            "status": "active",
            "has_more_profiles": False,
            "display_type": None,
            "generated_type": "default",
            "source": "default",
            "created_time": None,
            "created_by": None,
            "modified_time": None,
            "modified_by": None,
            "actions_allowed": {"edit": True, "rename": True, "clone": True, "delete": False, "deactivate": False},
            "profiles": [{"default": True, "name": "Administrator", "id": record_id(26011)}],
            "sections": [section],
        }


def kept_time(text: str) -> str:
    at = read(text)
    if at is None:
        raise ValueError(text)
    return kept(at)


def _changed_since(user: Record, moment: str | None) -> bool:
    return moment is None or kept_time(user["Modified_Time"]) >= moment


def _layout_id(module: str) -> str:
    return record_id(91000 + MODULES[module].number)


def _module(name: str) -> Json:
    spec = MODULES[name]
    return {
        "id": record_id(spec.number),
        "api_name": name,
        "module_name": spec.plural,
        "singular_label": spec.singular,
        "plural_label": spec.plural,
        "generated_type": "default",
        "status": "visible",
        "visibility": 1,
        "visible": True,
        "api_supported": True,
        "creatable": True,
        "editable": True,
        "deletable": True,
        "viewable": True,
        "convertable": name == "Leads",
        "quick_create": True,
        "show_as_tab": True,
        "presence_sub_menu": False,
        "sequence_number": list(MODULES).index(name) + 1,
        "web_link": None,
        "description": None,
        "modified_time": ADDED,
        "modified_by": {"name": "Crosswalk Integration", "id": ME},
        "profiles": [{"name": "Administrator", "id": record_id(26011)}],
        "profile_count": 1,
        "parent_module": {},
        "arguments": [],
        "feeds_required": False,
        "scoring_supported": name != "Notes",
        "webform_supported": name in {"Leads", "Contacts", "Cases"},
        "triggers_supported": True,
        "inventory_template_supported": False,
        "emailTemplate_support": True,
        "email_parser_supported": True,
        "filter_supported": True,
        "chart_view": False,
        "chart_view_supported": True,
        "kanban_view_supported": True,
        "isBlueprintSupported": True,
        "recycle_bin_on_delete": True,
        "track_current_data": False,
        "business_card_field_limit": 5,
        "activity_badge": "Disabled",
    }


def _pipelines() -> Iterator[Json]:
    for nth, name in enumerate(PIPELINES):
        yield {
            "id": record_id(36001 + nth * 100),
            "display_value": name,
            "actual_value": name,
            "default": nth == 0,
            "maps": [
                {
                    "id": record_id(36002 + place),
                    "display_value": stage,
                    "actual_value": stage,
                    "sequence_number": place + 1,
                    "forecast_type": kind,
                    "forecast_category": {"name": "Pipeline" if kind == "Open" else kind, "id": record_id(36901)},
                    "colour_code": None,
                }
                for place, (stage, _, kind) in enumerate(STAGES)
            ],
        }

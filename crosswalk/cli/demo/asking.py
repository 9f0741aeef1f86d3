"""Asking the simulated vendors themselves, over their own APIs: what the demo claims of them it has seen there."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from sandbox.server import RunningVendor, Sandbox

_PATIENCE: Final = 10.0  # seconds for an answer of a simulator

Told = Mapping[str, Any]  # what `explain` says of one customer


def scores_in_crms(sandbox: "Sandbox", told: Told) -> dict[str, Any]:
    """What each CRM that has the customer shows as their NPS score."""
    asked = {"salesforce": _in_salesforce, "zoho": _in_zoho, "pipedrive": _in_pipedrive}
    shown = {}
    for name, ask in asked.items():
        streams = "persons" if name == "pipedrive" else "contacts"
        # A second record of theirs in one CRM is reported, and not written.
        first = [one for one in told["records"] if one["represents"]]
        for key in _keys({"records": first}, f"{name}/{streams}/")[:1]:
            shown[name] = ask(sandbox.vendor(name), key)
    return shown


def newest_answer(sandbox: "Sandbox", told: Told) -> Any:
    """The score of the customer's latest answer to an NPS question, as the survey tools show it; None: none."""
    answers = [*_in_typeform(sandbox.vendor("typeform"), told), *_in_qualtrics(sandbox.vendor("qualtrics"), told)]
    return max(answers)[1] if answers else None


def relationship_form(vendor: "RunningVendor") -> str:
    """The id of Typeform's survey that asks everybody; ids differ from seed to seed."""
    headers = {"Authorization": f"Bearer {vendor.credentials['token']}"}
    items = _get(vendor, "/forms", headers, page_size=200)["items"]
    return str(next(one["id"] for one in items if one["title"].startswith("Relationship")))


def _keys(told: Told, beginning: str) -> list[str]:
    """Keys of the customer's records whose address begins so."""
    return [one["address"].rpartition("/")[2] for one in told["records"] if one["address"].startswith(beginning)]


def _get(vendor: "RunningVendor", path: str, headers: Mapping[str, str], **query: Any) -> Any:
    """One GET of a simulator, as any client would make it."""
    url = f"{vendor.base_url}{path}" + (f"?{urlencode(query)}" if query else "")
    with urlopen(Request(url, headers=dict(headers)), timeout=_PATIENCE) as answer:
        return json.load(answer)


def _token(vendor: "RunningVendor", **form: str) -> str:
    """An access token for whoever has the client's secret."""
    whole = {**form, **{name: vendor.credentials[name] for name in ("client_id", "client_secret")}}
    request = Request(vendor.token_url, data=urlencode(whole).encode(), method="POST")
    with urlopen(request, timeout=_PATIENCE) as answer:
        return str(json.load(answer)["access_token"])


def _in_salesforce(vendor: "RunningVendor", key: str) -> Any:
    headers = {"Authorization": f"Bearer {_token(vendor, grant_type='client_credentials')}"}
    contact = _get(vendor, f"/services/data/v66.0/sobjects/Contact/{key}", headers, fields="CX_NPS_Score__c")
    score = contact["CX_NPS_Score__c"]  # Salesforce tells every number with a fraction
    return int(score) if isinstance(score, float) and score.is_integer() else score


def _in_zoho(vendor: "RunningVendor", key: str) -> Any:
    token = _token(vendor, grant_type="refresh_token", refresh_token=vendor.credentials["refresh_token"])
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    return _get(vendor, f"/crm/v8/Contacts/{key}", headers, fields="CX_NPS_Score")["data"][0]["CX_NPS_Score"]


def _in_pipedrive(vendor: "RunningVendor", key: str) -> Any:
    headers = {"x-api-token": vendor.credentials["api_token"]}
    code, cursor = None, None
    while code is None:
        page = _get(vendor, "/api/v2/personFields", headers, limit=100, **({"cursor": cursor} if cursor else {}))
        code = next((one["field_code"] for one in page["data"] if one["field_name"] == "NPS score"), None)
        cursor = (page.get("additional_data") or {}).get("next_cursor")
        if code is None and not cursor:
            return None
    return _get(vendor, f"/api/v2/persons/{key}", headers)["data"]["custom_fields"].get(code)


def _in_typeform(vendor: "RunningVendor", told: Told) -> list[tuple[str, Any]]:
    """Time and score of each answer."""
    hers = _keys(told, "typeform/")
    if not hers:
        return []
    headers = {"Authorization": f"Bearer {vendor.credentials['token']}"}
    path = f"/forms/{relationship_form(vendor)}/responses"
    items = _get(vendor, path, headers, included_response_ids=",".join(hers))["items"]
    return [
        (str(one["submitted_at"]), answer["number"])
        for one in items
        for answer in one["answers"]
        if answer["field"]["ref"] == "nps"
    ]


def _in_qualtrics(vendor: "RunningVendor", told: Told) -> list[tuple[str, Any]]:
    """The same of what was answered in the surveys that ask everybody."""
    headers = {"X-API-TOKEN": vendor.credentials["api_token"]}
    surveys = _get(vendor, "/API/v3/surveys", headers)["result"]["elements"]
    found = []
    for survey in surveys:
        if not survey["name"].startswith("Relationship"):
            continue
        for key in _keys(told, "qualtrics/responses/"):
            try:
                values = _get(vendor, f"/API/v3/surveys/{survey['id']}/responses/{key}", headers)["result"]["values"]
            except HTTPError:
                continue  # an answer to another survey
            if values.get("QID1") is not None:
                found.append((str(values["endDate"]), values["QID1"]))
    return found

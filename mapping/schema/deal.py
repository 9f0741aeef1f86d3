"""A deal, also what Pipedrive and HubSpot call a lead: those are deals of a pipeline `leads`."""

from typing import Final

from mapping.schema.associations import OF_COMPANY, ON_DEAL, owned_by
from mapping.schema.common import ATTRIBUTES, DESCRIPTION, EXTERNAL_IDS, HUB_ID, PRIORITY_CODES, TAGS
from mapping.schema.field import Field, Kind, with_other

STATUS: Final = with_other("open on_hold won lost abandoned")
CATEGORY: Final = with_other("new qualified proposal negotiation committed closed")
_MONEY: Final = {"amount": "decimal", "currency": "text"}

DEAL: Final = Kind.of(
    "deal",
    HUB_ID,
    Field(name="name", type="text", required=True, pii="indirect", meaning="what people call it"),
    Field(name="amount", type="money", parts=_MONEY, value="amount", meaning="one-off value"),
    Field(
        name="amount_home",
        type="money",
        merge="local",
        parts=_MONEY,
        value="amount",
        meaning="in the account's own currency, as that system converts it",
    ),
    Field(
        name="recurring",
        type="unit",
        parts={"acv": "money", "arr": "money", "mrr": "money"},
        meaning="value per contract, year, month",
    ),
    Field(
        name="stage",
        type="stage",
        parts={
            "pipeline": "id",
            "stage": "id",
            "status": "choice",
            "category": "choice",
            "probability": "percent",
            "changed_at": "at",
        },
        part_codes={"status": STATUS, "category": CATEGORY},
        value="stage",
        meaning="where it stands; pipeline and stage are words of one system, status is everybody's",
    ),
    Field(name="expected_close_date", type="date", meaning="when it is expected to close"),
    Field(name="closed_on", type="when", meaning="when it closed"),
    Field(name="lost_reason", type="text", clears_spread=True, pii="sensitive", meaning="why it was lost"),
    Field(name="next_step", type="text", clears_spread=True, pii="sensitive", meaning="what is to be done next"),
    Field(name="type", type="text", clears_spread=True, meaning="new business, renewal, ..."),
    Field(name="source", type="text", clears_spread=True, meaning="where it came from"),
    Field(name="priority", type="choice", codes=PRIORITY_CODES, clears_spread=True, meaning="how urgent"),
    Field(name="forecast_category", type="text", clears_spread=True, meaning="as the system forecasts it"),
    DESCRIPTION,
    TAGS,
    EXTERNAL_IDS,
    OF_COMPANY,
    ON_DEAL,
    owned_by(),
    ATTRIBUTES,
)

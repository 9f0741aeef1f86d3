"""What somebody bought: order, invoice, contract, subscription, refund."""

from typing import Final

from mapping.schema.associations import ABOUT, owned_by
from mapping.schema.common import ATTRIBUTES, EXTERNAL_IDS, HUB_ID
from mapping.schema.field import Field, Kind, as_source, choice

_MONEY: Final = {"amount": "decimal", "currency": "text"}

PURCHASE: Final = Kind.of(
    "purchase",
    HUB_ID,
    *as_source(
        (
            choice("kind", "order invoice contract subscription refund", required=True, meaning="what sort"),
            Field(name="number", type="id", pii="indirect", meaning="as people quote it"),
            choice("status", "draft open paid fulfilled cancelled refunded expired", meaning="how far it is"),
            Field(name="ordered_at", type="when", meaning="when it was ordered"),
            Field(name="total", type="money", required=True, parts=_MONEY, value="amount", meaning="what it costs"),
            Field(name="tax", type="money", parts=_MONEY, value="amount", meaning="tax in it"),
            Field(name="period_start", type="date", meaning="first day that it covers"),
            Field(name="period_end", type="date", meaning="last day that it covers"),
            Field(name="recurring", type="bool", meaning="does it come again?"),
            Field(
                name="lines",
                type="json",
                pii="indirect",
                meaning="positions in their order: sku, name, quantity, unit_price, total",
            ),
        )
    ),
    EXTERNAL_IDS,
    ABOUT,
    owned_by("src"),
    ATTRIBUTES,
)

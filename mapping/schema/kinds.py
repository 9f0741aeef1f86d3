"""All kinds of entities by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mapping.schema.activity import ACTIVITY
from mapping.schema.campaign import CAMPAIGN, MEMBERSHIP
from mapping.schema.company import COMPANY
from mapping.schema.deal import DEAL
from mapping.schema.field import Kind
from mapping.schema.invitation import INVITATION
from mapping.schema.owner import OWNER
from mapping.schema.person import PERSON
from mapping.schema.purchase import PURCHASE
from mapping.schema.response import RESPONSE
from mapping.schema.survey import SURVEY
from mapping.schema.ticket import TICKET

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            PERSON,
            COMPANY,
            DEAL,
            ACTIVITY,
            TICKET,
            CAMPAIGN,
            MEMBERSHIP,
            PURCHASE,
            OWNER,
            SURVEY,
            INVITATION,
            RESPONSE,
        )
    }
)

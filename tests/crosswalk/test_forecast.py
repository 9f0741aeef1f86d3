"""A plan's forecast of calls against what the simulated vendors count while it is applied: at most 5 % apart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from crosswalk.app import Hub
from tests.crosswalk.shop import VENDORS, Shop

WRITES: Final = 450  # more than a page or a batch of any of them, and no multiple of one


def apply(shop: Shop, hub: Hub) -> tuple[dict[str, int], dict[str, int]]:
    """Read, plan, let everything through; per connection what was forecast, and what the vendor counted."""
    hub.sync()
    plan = hub.plan()
    shop.vendors.hub.forget_log()
    done = hub.apply(plan["plan"]["id"], approve=sorted({f"{one['stream']}:{one['class']}" for one in plan["guards"]}))
    assert done["totals"]["waiting"] == 0
    assert done["totals"]["written"] >= len(VENDORS) * WRITES
    return (
        {row["connection"]: row["cost"] for row in plan["forecast"]},
        {name: cost for name, cost in shop.vendors.hub.log()["cost"].items() if cost},
    )


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, WRITES)
    with shop.open_for_business():
        yield shop


def test_creates_and_updates_take_what_was_forecast(shop: Shop) -> None:
    shop.export("Buyer")
    with shop.opened() as hub:
        told, counted = apply(shop, hub)
        assert told == pytest.approx(counted, rel=0.05)
    shop.sleep(4000)
    shop.export("Head")
    with shop.opened() as hub:
        told, counted = apply(shop, hub)
        assert told == pytest.approx(counted, rel=0.05)

"""A process that asks a vendor again and again, and takes a token for old after a second.

    python -m tests.crosswalk.store.renewing STORE KEY TIMES BASE CLIENT_ID CLIENT_SECRET REFRESH_TOKEN

prints how often it was answered. Whatever goes wrong ends it.
"""

import sys
import time
from datetime import timedelta

from connectors.sdk import RefreshToken, StatusTable, TokenKeeper, Tools, Transport
from connectors.sdk.fakes import MemoryBudget
from crosswalk.clock import now
from crosswalk.store.dialect import Database
from crosswalk.store.tokens import Tokens, Vault
from sandbox.vendors.typeform.auth import ACCESS_LIVES


def main(store: str, key: str, times: str, base: str, client_id: str, client_secret: str, refresh_token: str) -> None:
    tools = Tools(
        connection="typeform",
        clock=now,
        sleep=time.sleep,
        tokens=Tokens(Database(store), Vault([key]), now),
        budget=MemoryBudget(),
    )
    flow = RefreshToken(
        vendor="Typeform",
        token_url=f"{base}/oauth/token",
        client_id=client_id,
        client_secret=client_secret,
        refresh_token=refresh_token,
    )
    keeper = TokenKeeper(flow, tools, margin=ACCESS_LIVES - timedelta(seconds=1))
    answered = 0
    with Transport(base, keeper, StatusTable(vendor="Typeform"), tools, "typeform") as transport:
        for _ in range(int(times)):
            answered += transport.get("/me").status == 200
            time.sleep(0.05)
    sys.stdout.write(f"{answered}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

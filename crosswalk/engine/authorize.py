"""Authorize: a person grants access in a browser, and the hub keeps the grant. What `crosswalk auth` does.

The grant is tried before it is kept: whose account it is stands beside whose it was until now. It is kept although the
account cannot be asked, since a vendor gives it out once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict, replace

from connectors.sdk.auth import AuthorizationCode, AuthorizationRequest, AuthorizedInBrowser
from connectors.sdk.contract import Account, Grant, Settings, TokenStore, Tools
from connectors.sdk.errors import ConnectorError, GrantError, LaterError
from crosswalk.engine.accounts import known_accounts, renewed
from crosswalk.engine.failures import problem_of
from crosswalk.engine.model import House, Link
from crosswalk.engine.words import AskError, shortened
from crosswalk.problems import Problem
from crosswalk.store.codec import dump

_TRIES: Final = 20  # as often may a renewal come in between


class Question(Struct, frozen=True, kw_only=True):
    """What a person is asked. `registration`: how to have an app at the vendor; `first`: nobody has granted it yet."""

    connection: str
    label: str
    address: str
    redirect_uri: str
    registration: Sequence[str]
    first: bool
    fits: Callable[[Mapping[str, str]], bool]  # is this query of a redirect the answer to this question?


Ask: TypeAlias = Callable[[Question], Mapping[str, str]]
Confirm: TypeAlias = Callable[[str], bool]


def steps(registration: Sequence[str], redirect_uri: str) -> list[str]:
    """What to click at the vendor to have an app."""
    return [step.replace("{redirect_uri}", redirect_uri) for step in registration]


def authorize(
    house: House, name: str, all_tools: Mapping[str, Tools], *, redirect_uri: str, ask: Ask, confirm: Confirm
) -> dict[str, Any]:
    """Ask, redeem, try, keep. `confirm`: is the grant of another account than before to be kept?

    Raises AskError where there is nothing to grant in a browser, GrantError where it was not granted.
    """
    link, settings = _connection(house, name)
    tools = all_tools[name]
    flow, registration = _flow(link)
    held = tools.tokens.read(name)
    asked = AuthorizationRequest.make(redirect_uri)
    answer = ask(
        Question(
            connection=name,
            label=link.connector.label,
            address=flow.address(asked),
            redirect_uri=redirect_uri,
            registration=steps(registration, redirect_uri),
            first=held is None or not flow.fits(held),
            fits=asked.is_answered_by,
        )
    )
    hand = _InHand(_redeemed(flow, asked, flow.code(asked, answer), tools, settings))
    account, error = _who(link, settings, replace(tools, tokens=hand))
    known = known_accounts(house.database).get(name)
    if account is not None and known is not None and known.id != account.id:
        question = f"{name} was {_named(known)} until now, and this grant is of {_named(account)}. Keep it?"
        if not confirm(question):
            raise GrantError(
                f"the grant of {_named(account)} is not kept",
                hint=f"run `crosswalk auth {name}` and allow it as a user of {_named(known)}; the records of another "
                "account want a connection of their own",
                code="CW206",
            )
    _keep(tools.tokens, name, hand.grant)
    problems = [] if error is None else [problem_of(error, connection=name)]
    if account is not None:
        _note(house, name, account)
    if hand.grant.refresh_token is None:
        problems.append(_ends(link, name))
    return {
        "connection": name,
        "connector": link.connector.name,
        "label": link.connector.label,
        "account": None if account is None else account.name,
        "identity": None if account is None else account.identity,
        "another": account is not None and known is not None and known.id != account.id,
        "redirect_uri": redirect_uri,
        "problems": [one.json() for one in problems],
    }


def _connection(house: House, name: str) -> tuple[Link, Settings]:
    known = {} if house.settings is None else house.settings.connections
    if name not in house.links or name not in known:
        raise AskError(f"there is no connection '{name}'", hint="there are: " + shortened(sorted(house.links)))
    return house.links[name], known[name].settings


def _flow(link: Link) -> tuple[AuthorizationCode, Sequence[str]]:
    connector = link.connector
    if not isinstance(connector, AuthorizedInBrowser):
        raise AskError(f"{connector.label} is not granted in a browser", hint=f"crosswalk check {link.name}")
    flow = connector.authorization
    if flow is None:
        raise AskError(
            f"{link.name} has its credentials in the file: there is nothing to grant in a browser",
            hint="to grant it there, write  auth: {flow: authorization_code, client_id: env:…, client_secret: env:…}",
        )
    return flow, connector.registration


def _redeemed(
    flow: AuthorizationCode, asked: AuthorizationRequest, code: str, tools: Tools, settings: Settings
) -> Grant:
    from connectors.sdk.transport import exchanged  # a look at the store goes without httpx

    answer = exchanged(flow.redeem(asked, code), vendor=flow.vendor, tools=tools, insecure=settings.insecure)
    return flow.grant(answer, held=None, now=tools.clock())


def _who(link: Link, settings: Settings, tools: Tools) -> tuple[Account | None, ConnectorError | None]:
    """Whose account it is, asked with the grant in hand."""
    trial = type(link.connector).connect(settings, tools)
    try:
        return trial.account(), None
    except ConnectorError as error:
        return None, error
    finally:
        trial.close()


def _named(account: Account) -> str:
    return account.name if account.name == account.id else f"{account.name} ({account.id})"


def _keep(tokens: TokenStore, name: str, grant: Grant) -> None:
    """Over whatever is there. A renewal of the old grant that is under way finds it replaced, and takes this one."""
    for _ in range(_TRIES):
        held = tokens.read(name)
        if tokens.replace(name, grant, generation=0 if held is None else held.generation):
            return
    raise LaterError(f"{name}: the grant is being renewed all the time", hint=f"crosswalk auth {name}", code="CW302")


def _note(house: House, name: str, account: Account) -> None:
    """Whose account it is, and that the connection goes on."""
    known = known_accounts(house.database).get(name)
    with house.database.write(durable=True) as connection:
        account = renewed(house.database, connection, name, account, known=known)
        house.database.run(
            connection,
            "UPDATE connection SET account = ?, checked_at = ?, state = 'ok', code = NULL, detail = NULL, "
            "since = NULL WHERE name = ?",
            (dump(asdict(account)), house.now(), name),
        )


def _ends(link: Link, name: str) -> Problem:
    return Problem(
        code="CW205",
        severity="warning",
        text=f"{link.connector.label} gave no refresh token: the grant ends with its access token",
        hint=f"let the app ask for lasting access (see the connector's README), then `crosswalk auth {name}`",
        connection=name,
    )


class _InHand:
    """A TokenStore of one grant that is not kept yet."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant

    def read(self, connection: str) -> Grant | None:
        return self.grant

    def claim(self, connection: str, *, generation: int, seconds: float) -> bool:
        return generation == self.grant.generation

    def release(self, connection: str, *, generation: int) -> None:
        """Nobody else holds it."""

    def replace(self, connection: str, grant: Grant, *, generation: int) -> bool:
        if generation != self.grant.generation:
            return False
        self.grant = grant
        return True

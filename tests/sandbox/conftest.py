import pytest

from sandbox import world as worlds
from sandbox.vendors.pipedrive.app import Pipedrive
from sandbox.vendors.qualtrics.app import Qualtrics
from sandbox.vendors.salesforce.app import Salesforce
from sandbox.vendors.typeform.app import Typeform
from sandbox.vendors.zoho.app import Zoho
from sandbox.world import World
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import session
from tests.sandbox.vendors.zoho.signing import signed_in

SIZE = 150


@pytest.fixture(scope="session")
def world() -> World:
    return worlds.make(7, SIZE)


@pytest.fixture
def account(world: World) -> Pipedrive:
    """A Pipedrive account of the world's people, fresh for the test, that refuses nobody for hurrying."""
    return Pipedrive(world, limits_kept=False)


@pytest.fixture
def pipedrive(account: Pipedrive) -> Caller:
    return Caller(account, {"x-api-token": account.credentials["api_token"]})


@pytest.fixture
def workspace(world: World) -> Typeform:
    return Typeform(world, limits_kept=False)


@pytest.fixture
def typeform(workspace: Typeform) -> Caller:
    return Caller(workspace, {"authorization": f"Bearer {workspace.credentials['token']}"})


@pytest.fixture
def brand(world: World) -> Qualtrics:
    return Qualtrics(world, limits_kept=False)


@pytest.fixture
def qualtrics(brand: Qualtrics) -> Caller:
    return Caller(brand, {"x-api-token": brand.credentials["api_token"]})


@pytest.fixture
def crm(world: World) -> Zoho:
    return Zoho(world, limits_kept=False)


@pytest.fixture
def zoho(crm: Zoho) -> Caller:
    return signed_in(crm)


@pytest.fixture
def org(world: World) -> Salesforce:
    return Salesforce(world, limits_kept=False)


@pytest.fixture
def salesforce(org: Salesforce) -> Caller:
    return session(org)

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from sandbox.server import CONTROL_PORT, Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(seed=7, size=60, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    """The running one, as nobody has touched it but for its records."""
    yield running
    running.clear_faults()
    running.forget_log()
    httpx.post(f"{running.control_url}/clock", json={"offset_seconds": 0})


@pytest.fixture
def pipedrive(sandbox: Sandbox) -> Iterator[httpx.Client]:
    vendor = sandbox.vendor("pipedrive")
    with httpx.Client(base_url=vendor.base_url, headers={"x-api-token": vendor.credentials["api_token"]}) as client:
        yield client


@pytest.fixture
def typeform(sandbox: Sandbox) -> Iterator[httpx.Client]:
    vendor = sandbox.vendor("typeform")
    with httpx.Client(
        base_url=vendor.base_url, headers={"authorization": f"Bearer {vendor.credentials['token']}"}
    ) as client:
        yield client


def test_every_vendor_has_a_port_of_its_own_and_they_share_a_control_port(sandbox: Sandbox) -> None:
    ports = {httpx.URL(vendor.base_url).port for vendor in sandbox.vendors}

    assert [vendor.name for vendor in sandbox.vendors] == ["pipedrive", "typeform"]
    assert len(ports | {httpx.URL(sandbox.faults_url).port}) == 3
    assert httpx.get(sandbox.control_url).json() == {"vendors": ["pipedrive", "typeform"], "seed": 7, "size": 60}
    with pytest.raises(KeyError):
        sandbox.vendor("acme")


def test_vendors_answer_at_their_own_paths(pipedrive: httpx.Client, typeform: httpx.Client) -> None:
    assert pipedrive.get("/api/v2/persons").json()["success"] is True
    assert pipedrive.get("/v1/users/me").json()["data"]["company_name"] == "Nordlicht"
    assert typeform.get("/forms").json()["total_items"] == 3


def test_text_of_every_script_arrives_whole(pipedrive: httpx.Client) -> None:
    name = "শর্মিলা দত্ত 🌞 株式会社"

    made = pipedrive.post("/api/v2/persons", json={"name": name}).json()["data"]

    assert pipedrive.get("/api/v2/persons/search", params={"term": name, "exact_match": "true"}).json()["data"]["items"]
    assert pipedrive.get(f"/api/v2/persons/{made['id']}").json()["data"]["name"] == name


def test_the_token_urls_grant(sandbox: Sandbox) -> None:
    vendor = sandbox.vendor("pipedrive")
    known = vendor.credentials
    form = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}

    granted = httpx.post(vendor.token_url, data=form, auth=(known["client_id"], known["client_secret"])).json()

    headers = {"authorization": f"Bearer {granted['access_token']}"}
    assert httpx.get(f"{vendor.base_url}/api/v2/persons", headers=headers).status_code == 200
    assert granted["api_domain"] == vendor.base_url


def test_the_date_header_tells_the_sandboxes_clock(sandbox: Sandbox, pipedrive: httpx.Client) -> None:
    sandbox.set_clock(datetime(2027, 3, 1, 8, 0, tzinfo=UTC))

    told = parsedate_to_datetime(pipedrive.get("/api/v2/persons").headers["date"])

    assert abs(told - datetime(2027, 3, 1, 8, 0, tzinfo=UTC)) < timedelta(minutes=1)
    clock = httpx.get(f"{sandbox.control_url}/clock").json()
    assert clock["now"].startswith("2027-03-01T08:0")


def test_the_clock_never_begins_before_the_story() -> None:
    future = datetime.now(UTC) + timedelta(days=400)

    with Sandbox.start(("typeform",), size=3, anchor=future) as sandbox:
        assert sandbox.now() >= future


def test_the_log_tells_effects_calls_and_costs(sandbox: Sandbox, pipedrive: httpx.Client) -> None:
    sandbox.forget_log()
    pipedrive.get("/api/v2/persons")
    pipedrive.get("/api/v2/persons/101")
    pipedrive.get("/api/v2/persons/102")
    pipedrive.patch("/api/v2/persons/101", json={"visible_to": 7})

    log = httpx.get(f"{sandbox.control_url}/log").json()

    assert [(row["call"], row["count"], row["cost"]) for row in log["calls"]] == [
        ("GET /api/v2/persons", 1, 10),
        ("GET /api/v2/persons/{id}", 2, 2),
        ("PATCH /api/v2/persons/{id}", 1, 5),
    ]
    assert log["cost"] == {"pipedrive": 17, "typeform": 0}
    assert [(e["stream"], e["record"], e["fields"]) for e in log["effects"]] == [("persons", "101", {"visible_to": 7})]
    assert httpx.get(f"{sandbox.control_url}/typeform/log").json()["calls"] == []
    httpx.delete(f"{sandbox.control_url}/log")
    assert sandbox.log() == {"effects": [], "calls": [], "cost": {"pipedrive": 0, "typeform": 0}}


def test_what_a_person_edits_is_no_effect_of_a_client(sandbox: Sandbox, pipedrive: httpx.Client) -> None:
    sandbox.forget_log()
    body = {"vendor": "pipedrive", "stream": "persons", "id": 103, "fields": {"job_title": "CEO", "NPS score": 4}}

    reply = httpx.post(f"{sandbox.control_url}/edit", json=body)

    shown = pipedrive.get("/api/v2/persons/103").json()["data"]
    assert reply.json() == {"id": "103"}
    assert shown["job_title"] == "CEO"
    assert 4 in shown["custom_fields"].values()
    assert sandbox.log()["effects"] == []


def test_a_person_may_make_a_record_or_answer_a_form(
    sandbox: Sandbox, pipedrive: httpx.Client, typeform: httpx.Client
) -> None:
    made = sandbox.edit("pipedrive", "persons", None, {"name": "Walk In"})
    assert pipedrive.get(f"/api/v2/persons/{made}").json()["data"]["name"] == "Walk In"

    form = typeform.get("/forms?search=relation").json()["items"][0]["id"]
    sandbox.edit(
        "typeform", "responses", None, {"form": form, "answers": {"nps": 10}, "submitted_at": "2026-11-01T00:00:00Z"}
    )
    seconds = {"since": "2026-11-01T00:00:00", "until": "2026-11-01T00:00:00"}
    answers = typeform.get(f"/forms/{form}/responses", params=seconds).json()["items"][0]["answers"]
    assert [answer["number"] for answer in answers] == [10]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/edit", {"vendor": "pipedrive", "stream": "unicorns", "id": 1, "fields": {}}, 404, "unicorns"),
        ("POST", "/edit", {"vendor": "pipedrive", "stream": "persons", "id": 9999999, "fields": {}}, 404, "9999999"),
        ("POST", "/edit", {"vendor": "pipedrive", "stream": "persons", "id": 101, "fields": {"shoe": 1}}, 400, "shoe"),
        ("POST", "/edit", {"vendor": "acme", "stream": "persons", "id": 1, "fields": {}}, 404, "acme"),
        ("POST", "/clock", {"now": "noon"}, 400, "noon"),
        ("GET", "/weather", None, 404, "faults, log, edit and clock"),
    ],
)
def test_the_control_port_says_what_is_wrong(
    sandbox: Sandbox, method: str, path: str, body: object, status: int, words: str
) -> None:
    reply = httpx.request(method, sandbox.control_url + path, json=body)

    assert reply.status_code == status
    assert words in reply.json()["error"]


def test_many_clients_at_once_each_get_their_own_record(sandbox: Sandbox, pipedrive: httpx.Client) -> None:
    made: list[int] = []

    def create() -> None:
        for _ in range(10):
            made.append(pipedrive.post("/api/v2/persons", json={"name": "Crowd"}).json()["data"]["id"])

    threads = [threading.Thread(target=create) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 60
    assert all(pipedrive.get(f"/api/v2/persons?ids={key}").json()["data"] for key in made[:5])


def test_a_port_that_is_taken_is_an_error_and_leaves_none_open(sandbox: Sandbox) -> None:
    taken = httpx.URL(sandbox.vendors[0].base_url).port
    assert taken is not None

    with pytest.raises(OSError):
        Sandbox.start(("pipedrive",), base_port=taken - CONTROL_PORT, size=3)


def test_after_closing_nobody_answers() -> None:
    sandbox = Sandbox.start(("pipedrive",), size=3)
    url = sandbox.vendors[0].base_url
    sandbox.close()

    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_where_everybody_is_and_stops_when_told_to(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox", "--base-port", "0", "--seed", "3", "--size", "20", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            vendors = {vendor["name"]: vendor for vendor in told["vendors"]}
            token = vendors["pipedrive"]["credentials"]["api_token"]
            reply = httpx.get(f"{vendors['pipedrive']['base_url']}/v1/users/me", headers={"x-api-token": token})
            process.send_signal(number)
            code = process.wait(timeout=10)
        finally:
            process.kill()  # whatever keeps it, nobody waits for it

    assert (told["seed"], told["size"]) == (3, 20)
    assert set(vendors["typeform"]) == {"name", "base_url", "token_url", "credentials", "faults_url"}
    assert (reply.status_code, code) == (200, 0)

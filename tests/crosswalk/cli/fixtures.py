"""Answers of the hub for every command, with the keys that `--json` promises; and a hub that gives them."""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crosswalk import clock
from crosswalk.cli.main import application

NOW = datetime(2026, 11, 23, 8, 29, tzinfo=UTC)  # 09:29 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")

CHECK: dict[str, Any] = {
    "config": {"connections": 6, "streams": 11, "fields": 93, "own": 20},
    "store": {"dialect": "postgresql", "version": "16.4", "schema": 7},
    "connections": [
        {
            "name": "salesforce",
            "connector": "salesforce",
            "state": "ok",
            "account": "nordlicht",
            "identity": "svc-crosswalk",
            "budget": {"left": 35880, "limit": 40000, "unit": "calls"},
            "streams": [
                {
                    "name": "contacts",
                    "state": "ok",
                    "records": 62118,
                    "can": ["read", "create", "update"],
                    "missing": [],
                    "unlisted": False,
                },
                *(
                    {"name": name, "state": "ok", "records": None, "can": ["read"], "missing": [], "unlisted": True}
                    for name in ("leads", "cases", "tasks", "events")
                ),
            ],
        }
    ],
    "problems": [],
    "exit_code": 0,
}

CHECK_FAILING: dict[str, Any] = {
    "config": {"connections": 6, "streams": 11, "fields": 93, "own": 20},
    "store": {"dialect": "sqlite", "version": "3.45.1", "schema": 7},
    "connections": [
        {"name": "salesforce", "state": "fail", "account": None, "identity": None, "budget": None, "streams": []},
        {"name": "zoho", "state": "fail", "account": None, "identity": None, "budget": None, "streams": []},
        {
            "name": "pipedrive",
            "state": "part",
            "account": "nordlicht",
            "identity": None,
            "budget": {"left": 58300, "limit": 60000, "unit": "tokens"},
            "streams": [
                {"name": "persons", "state": "fail", "records": 1208, "can": ["read"], "missing": [], "unlisted": False}
            ],
        },
        {
            "name": "qualtrics",
            "state": "part",
            "account": "nordlicht at fra1",
            "identity": "UR_7hV",
            "budget": None,
            "streams": [
                {
                    "name": "directory_contacts",
                    "state": "part",
                    "records": 410,
                    "can": ["read"],
                    "missing": ["create"],
                    "unlisted": False,
                }
            ],
        },
        {"name": "typeform", "state": "ok", "account": "nordlicht", "identity": None, "budget": None, "streams": []},
        {"name": "shop", "state": "ok", "account": "./exports", "identity": None, "budget": None, "streams": []},
    ],
    "problems": [
        {
            "code": "CW301",
            "severity": "error",
            "text": "nordlciht.my.salesforce.com: no such host",
            "hint": "account is 'nordlciht' (crosswalk.yaml:8:14), or this machine has no DNS",
            "connection": "salesforce",
        },
        {
            "code": "CW201",
            "severity": "error",
            "text": "401, the refresh token is revoked or of another data center than eu",
            "hint": "make a new one in the API console, then  crosswalk check zoho",
            "connection": "zoho",
        },
        {
            "code": "CW106",
            "severity": "error",
            "text": "no field 'Kundenstuffe'",
            "hint": "nearest: 'Kundenstufe'",
            "file": "crosswalk.yaml",
            "line": 48,
            "column": 32,
            "connection": "pipedrive",
            "stream": "persons",
        },
        {
            "code": "CW204",
            "severity": "error",
            "text": "may read, may not create: 403",
            "hint": 'your Qualtrics administrator grants "Manage contacts", then  crosswalk check qualtrics',
            "connection": "qualtrics",
            "stream": "qualtrics/directory_contacts",
        },
    ],
    "exit_code": 2,
}

DISCOVER: dict[str, Any] = {
    "stream": "salesforce/contacts",
    "fields": [
        {
            "name": "CX_NPS_Score__c",
            "label": "Last NPS",
            "type": "number",
            "options": [],
            "read": True,
            "write": True,
            "required": False,
            "unique": False,
            "mapped_to": "cx.nps.score",
            "direction": "write",
            "suggested": None,
        },
        *(
            {
                "name": f"Field_{at}__c",
                "label": f"Field {at}",
                "type": "text",
                "options": [],
                "read": True,
                "write": at % 2 == 0,
                "required": False,
                "unique": False,
                "mapped_to": f"custom.field_{at}" if at < 37 else None,
                "direction": "both" if at < 37 else None,
                "suggested": None,
            }
            for at in range(141)
        ),
    ],
    "problems": [],
    "exit_code": 0,
}


def action(number: int, **parts: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": f"A{number}",
        "entity": "person/8f2kq",
        "state": "planned",
        "held_by": None,
        "fields": [],
    }
    return {**base, **parts}


def change(name: str, before: Any, after: Any, reason: str = "", source: str = "", label: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "label": label or name,
        "before": before,
        "after": after,
        "reason": reason,
        "rule": "masters",
        "source": source,
    }


PLAN: dict[str, Any] = {
    "plan": {
        "id": "P87",
        "hash": "3f9a",
        "state": "open",
        "created_at": "2026-11-23T07:58:00.000Z",
        "expires_at": "2026-11-24T07:58:00.000Z",
        "changed_records": 1680,
    },
    "counts": [
        {
            "stream": "salesforce/contacts",
            "create": 12,
            "update": 431,
            "clear": 3,
            "delete": 0,
            "waits": {},
            "held": {},
        },
        {"stream": "salesforce/accounts", "create": 0, "update": 57, "clear": 0, "delete": 0, "waits": {}},
        {"stream": "zoho/contacts", "create": 0, "update": 118, "clear": 0, "delete": 0, "waits": {}},
        {
            "stream": "pipedrive/persons",
            "create": 74,
            "update": 73,
            "clear": 2,
            "delete": 0,
            "waits": {"create": 74},
            "held": {"create": 74},
        },
        {
            "stream": "qualtrics/directory_contacts",
            "create": 6,
            "update": 204,
            "clear": 0,
            "delete": 0,
            "waits": {},
            "held": {},
        },
    ],
    "forecast": [
        {"stream": "salesforce/contacts", "connection": "salesforce", "unit": "calls", "cost": 4, "left": 35880},
        {"stream": "salesforce/accounts", "connection": "salesforce", "unit": "calls", "cost": 1, "left": 35880},
        {"stream": "zoho/contacts", "connection": "zoho", "unit": "credits", "cost": 12, "left": 91204},
        {"stream": "pipedrive/persons", "connection": "pipedrive", "unit": "tokens", "cost": 2215, "left": 58300},
        {
            "stream": "qualtrics/directory_contacts",
            "connection": "qualtrics",
            "unit": "calls",
            "cost": 216,
            "left": None,
        },
    ],
    "guards": [
        {
            "stream": "pipedrive/persons",
            "class": "create",
            "field": None,
            "planned": 74,
            "waiting": 74,
            "ceiling": 60,
            "records": 1208,
            "share": "5%",
            "rule": "default",
        },
    ],
    "actions": [
        action(
            1,
            stream="salesforce/contacts",
            record="salesforce/contacts/003Ab00000Qx7Lm",
            title="Mara Lindqvist, Nordlicht Solar AB",
            **{"class": "update"},
            fields=[
                change(
                    "phone",
                    "089 5550166",
                    "+49895550177",
                    "pipedrive is master, changed there 22 Nov 16:02",
                    "crosswalk.yaml:95:5",
                    "Phone",
                ),
                change(
                    "CX_NPS_Score__c",
                    8,
                    3,
                    "Relationship 2026 (qualtrics), answered 22 Nov 21:07",
                    "crosswalk.yaml:23:25",
                ),
            ],
        ),
        action(
            2,
            stream="pipedrive/persons",
            record="pipedrive/persons",
            title="শর্মিলা দত্ত, Padma Textiles",
            **{"class": "create"},
            held_by="guard:create",
            fields=[change("name", None, "শর্মিলা দত্ত")],
        ),
    ],
    "conflicts": [
        {"id": f"C{31 + at}", "entity": "person/8f2kq", "title": "", "field": "job_title", "why": ""} for at in range(9)
    ],
    "suggestions": [
        {
            "text": "the newest edit decides, where times can tell",
            "yaml": "merge.person.job_title.on_conflict: [newest, masters]",
            "settles": 7,
        }
    ],
    "first_plans": [],
    "ready": 901,
    "shown": 2,
    "total": 975,
    "problems": [],
    "exit_code": 3,
}


def run(number: int, seconds: float, **parts: Any) -> dict[str, Any]:
    base = {"state": "done", "started_at": "2026-11-23T08:15:00.000Z", "plan": None, "trigger": "cli"}
    return {"id": f"R{number}", "seconds": seconds, **base, **parts}


def worked(stream: str, **parts: int) -> dict[str, Any]:
    return {"stream": stream, "read": 0, "changed": 0, "written": 0, "moved": 0, "aside": 0, "waiting": 0, **parts}


APPLY: dict[str, Any] = {
    "run": run(143, 44.2, plan="P87"),
    "streams": [
        worked("salesforce/contacts", written=441),
        worked("salesforce/accounts", written=57),
        worked("zoho/contacts", written=117, aside=1),
        worked("pipedrive/persons", written=73, moved=2, waiting=74),
        worked("qualtrics/directory_contacts", written=210),
    ],
    "totals": {"read": 0, "changed": 0, "written": 898, "moved": 2, "aside": 1, "waiting": 74},
    "calls": [{"connection": "salesforce", "calls": 5, "unit": "calls", "left": 34900}],
    "replanned": "P88",
    "set_aside": [
        {"id": "D9", "record": "zoho/contacts/5561000000043", "code": "CW403", "reason": "refused, DUPLICATE_DATA"}
    ],
    "waits": [
        {
            "what": "creates in pipedrive/persons",
            "stream": "pipedrive/persons",
            "class": "create",
            "count": 74,
            "approve": "crosswalk apply P88 --approve pipedrive/persons:create",
        }
    ],
    "problems": [],
    "exit_code": 3,
}

UNDO: dict[str, Any] = {
    **PLAN,
    "plan": {**PLAN["plan"], "id": "P89", "changed_records": None},
    "actions": [],
    "guards": [],
    "conflicts": [],
    "suggestions": [],
    "undoes": {"run": "R143", "at": "2026-11-23T08:02:00.000Z", "written": 898},
    "coverage": {"restore": 881, "leave": 14, "cannot": 3, "share": 0.9811},
    "left": [
        {
            "record": "salesforce/contacts/003Ab00000Qx7Lm", "title": "Mara Lindqvist", "field": "job_title",
            "kind": "leave", "reason": "edited there since, by people",
        },
        {
            "record": "salesforce/contacts/003Ab00000Rt1Kk", "title": None, "field": "", "kind": "cannot",
            "reason": "created in salesforce; deals hang on them since",
        },
    ],
    "paused": [],
    "exit_code": 3,
}  # fmt: skip

UNDO_OF_ERASED: dict[str, Any] = {
    **UNDO,
    "left": [
        UNDO["left"][0],
        {
            "record": None, "title": None, "erasure": "E7", "field": "", "kind": "cannot",
            "reason": "they have been erased since: nothing of them is kept",
        },
    ],
}  # fmt: skip

UNDONE: dict[str, Any] = {
    **APPLY,
    "run": run(149, 12.0, plan="P89"),
    "streams": [worked("salesforce/contacts", written=880, moved=1)],
    "totals": {"read": 0, "changed": 0, "written": 880, "moved": 1, "aside": 0, "waiting": 0},
    "replanned": None,
    "set_aside": [],
    "waits": [],
    "undoes": "R143",
    "paused": [
        {"address": "salesforce/contacts", "who": "anna", "since": "2026-11-23T08:30:00.000Z", "code": None, "text": ""}
    ],
    "exit_code": 0,
}

SYNC: dict[str, Any] = {
    "run": run(144, 21.3),
    "streams": [worked("salesforce/contacts", read=62118, changed=96, written=41)],
    "totals": {"read": 62118, "changed": 96, "written": 41, "moved": 0, "aside": 0, "waiting": 0},
    "calls": [{"connection": "salesforce", "calls": 61, "unit": "calls", "left": 34839}],
    "replanned": None,
    "set_aside": [],
    "waits": [],
    "problems": [],
    "exit_code": 0,
}

SYNC_QUIET: dict[str, Any] = {
    **SYNC,
    "run": run(145, 2.91),
    "streams": [worked(f"salesforce/stream_{at}") for at in range(11)],
    "totals": {"read": 0, "changed": 0, "written": 0, "moved": 0, "aside": 0, "waiting": 0},
    "calls": [
        {"connection": "salesforce", "calls": 9, "unit": "calls", "left": 34830},
        {"connection": "zoho", "calls": 5, "unit": "credits", "left": 91190},
    ],
}

RESYNC: dict[str, Any] = {
    **SYNC,
    "run": run(146, 0.41),
    "streams": [worked("salesforce/contacts", read=1, changed=1), worked("zoho/contacts", written=1)],
    "totals": {"read": 1, "changed": 1, "written": 1, "moved": 0, "aside": 0, "waiting": 0},
    "actions": [
        action(
            3,
            stream="zoho/contacts",
            record="zoho/contacts/5561000000043",
            title="Mara Lindqvist, Nordlicht Solar AB",
            **{"class": "update"},
            fields=[change("Title", "Head of Ops", "COO", "only salesforce changed it")],
        )
    ],
    "differences": [{"field": "title"}],
}

STATUS: dict[str, Any] = {
    "daemon": {
        "host": "hub-1",
        "started_at": "2026-11-21T05:02:00.000Z",
        "heartbeat_at": "2026-11-23T08:28:56.000Z",
    },
    "connections": [
        {
            "name": "salesforce",
            "state": "ok",
            "code": None,
            "last_good_at": "2026-11-23T08:15:00.000Z",
            "next_at": "2026-11-23T08:32:00.000Z",
            "budget": {"left": 36000, "limit": 40000, "unit": "calls"},
        },
        {
            "name": "pipedrive",
            "state": "paused",
            "code": "CW202",
            "text": "token refused",
            "since": "2026-11-23T08:20:00.000Z",
            "last_good_at": "2026-11-23T08:00:00.000Z",
            "next_at": None,
            "budget": {"left": 58200, "limit": 60000, "unit": "tokens"},
        },
    ],
    "streams": [
        {
            "stream": "salesforce/contacts",
            "records": 62118,
            "covered_from": None,
            "covered_to": "2026-11-23T08:14:00.000Z",
            "total": 62118,
            "complete": True,
        }
    ],
    "waiting": {
        "approvals": [{"plan": "P87", "class": "create", "count": 74}],
        "conflicts": 9,
        "pairs": 3,
        "dead_letters": 1,
    },
    "problems": [],
    "exit_code": 0,
}

RUNS: dict[str, Any] = {
    "runs": [
        {
            "id": "R147",
            "trigger": "daemon",
            "connections": ["zoho"],
            "state": "waits",
            "started_at": "2026-11-23T08:15:07.310Z",
            "seconds": 4.09,
            "read": 12,
            "written": 5,
            "aside": 0,
        }
    ],
    "problems": [],
    "exit_code": 0,
}

EXPLAIN: dict[str, Any] = {
    "entity": "person/8f2kq",
    "title": "Mara Lindqvist, COO, Nordlicht Solar AB",
    "records": [
        {
            "address": "salesforce/contacts/003Ab00000Qx7Lm",
            "state": "live",
            "seen_at": "2026-11-23T08:15:00.000Z",
            "matched_by": "first here",
            "matched_at": "2026-11-03T09:00:00.000Z",
            "blocked_by": None,
            "next_try_at": None,
        },
        {
            "address": "pipedrive/persons/4711",
            "state": "live",
            "seen_at": "2026-11-23T08:00:00.000Z",
            "matched_by": "same email",
            "matched_at": "2026-11-03T09:00:00.000Z",
            "blocked_by": None,
            "next_try_at": None,
        },
        {
            "address": "qualtrics/directory_contacts/CID_1xY",
            "state": "live",
            "seen_at": "2026-11-23T08:17:00.000Z",
            "matched_by": "created by the hub",
            "matched_at": "2026-11-04T09:00:00.000Z",
            "created_by_run": "R12",
            "blocked_by": None,
            "next_try_at": None,
        },
        {
            "address": "zoho/contacts/5561000000043",
            "state": "live",
            "seen_at": "2026-11-23T08:17:00.000Z",
            "matched_by": "same email",
            "matched_at": "2026-11-03T09:00:00.000Z",
            "blocked_by": "D9",
            "next_try_at": None,
        },
    ],
    "missing": [],
    "blocks": [
        {
            "id": "D9",
            "what": "dead letter",
            "record": "zoho/contacts/5561000000043",
            "field": "",
            "code": "CW403",
            "text": "refused",
            "since": "2026-11-23T08:03:00.000Z",
        }
    ],
    "fields": [],
    "responses": [],
    "history": [],
    "problems": [],
    "exit_code": 0,
}

EXPLAIN_FIELD: dict[str, Any] = {
    **EXPLAIN,
    "fields": [
        {
            "name": "phone",
            "value": "+49895550177",
            "source": "pipedrive/persons/4711",
            "rule": "pipedrive alone changed it, and is master",
            "place": "crosswalk.yaml:95:5",
            "conflict": None,
            "since": "2026-11-22T15:15:00.000Z",
            "run": "R131",
            "previous": {
                "value": "+49895550166",
                "source": "salesforce/contacts/003Ab00000Qx7Lm",
            },
            "sides": [
                {
                    "connection": "salesforce",
                    "value": "+49895550177",
                    "state": "holds",
                    "reason": "written by the hub, accepted",
                    "written_at": "2026-11-22T15:15:00.000Z",
                },
                {
                    "connection": "zoho",
                    "value": "089 5550166",
                    "state": "not written",
                    "reason": "D9 blocks the record",
                    "written_at": None,
                },
            ],
        }
    ],
}

EXPLAIN_THEN: dict[str, Any] = {
    **EXPLAIN_FIELD,
    "as_of": "R131",
    "as_of_at": "2026-11-22T15:15:00.000Z",
    "fields": [{**EXPLAIN_FIELD["fields"][0], "sides": []}],
    "history": [
        {
            "at": "2026-11-22T15:15:00.000Z", "run": "R131", "what": "write", "op": "update", "field": "phone",
            "record": "zoho/contacts/5561000000043", "before": "089 5550166", "after": "+49895550177",
            "reason": "pipedrive alone changed it, and is master",
        },
        {
            "at": "2026-11-03T08:00:00.000Z", "run": "R3", "what": "write", "op": "archive", "field": "",
            "record": "qualtrics/directory_contacts/CID_1xY", "before": None, "after": None, "reason": None,
        },
    ],
}  # fmt: skip

EXPLAIN_NOBODY: dict[str, Any] = {
    "entity": None,
    "title": None,
    "records": [{"address": "typeform/responses/r8w2k1", "state": "live", "seen_at": "2026-11-23T08:16:00.000Z"}],
    "why": "the e-mail is empty and no hidden field carries an id, so no rule of match.person can answer.",
    "advice": "Pass external_id as a hidden field of the form, or  crosswalk review",
    "fields": [],
    "history": [],
    "problems": [],
    "exit_code": 0,
}

REVIEW: dict[str, Any] = {
    "conflicts": [
        {
            "id": f"C{31 + at}",
            "entity": "person/8f2kq",
            "field": "title",
            "title": "Mara Lindqvist, Nordlicht Solar AB",
            "base": "Head of Operations",
            "base_at": "2026-11-02T10:00:00.000Z",
            "sides": [
                {
                    "connection": "salesforce",
                    "value": "COO",
                    "changed_at": "2026-11-22T16:40:00.000Z",
                    "by": "J. Weber",
                    "precision_s": 1.0,
                },
                {
                    "connection": "zoho",
                    "value": "Chief Operating Officer",
                    "changed_at": "2026-11-22T16:44:00.000Z",
                    "by": None,
                    "precision_s": 60,
                },
            ],
            "why": "newest cannot tell: 4 min apart, tolerance 10m (crosswalk.yaml:96:5)",
            "alike": 7,
            "suggestion": "job_title: {on_conflict: [newest, masters], tolerance: 10m}",
            "under": "merge.person",
        }
        for at in range(9)
    ],
    "pairs": [
        {
            "id": f"M{12 + at}",
            "records": [
                {
                    "address": "pipedrive/persons/5120",
                    "values": {"phones": "+8801711555012", "emails": "r.uddin@padma.test"},
                    "title": "Rahim Uddin",
                },
                {
                    "address": "typeform/responses/k2p9",
                    "values": {"phones": "+8801711555012", "emails": "rahim.uddin@padma.test"},
                    "title": "মোঃ রহিম উদ্দিন",
                },
            ],
            "for": ["same phone, held by these 2 only", "names agree once transliterated"],
            "against": ["e-mail differs"],
            "bits": 11.2,
        }
        for at in range(3)
    ],
    "problems": [],
    "exit_code": 0,
}

DLQ: dict[str, Any] = {
    "dead_letters": [
        {
            "id": "D9",
            "record": "zoho/contacts/5561000000043",
            "stream": "zoho/contacts",
            "state": "open",
            "code": "CW403",
            "field": "",
            "reason": "refused, DUPLICATE_DATA",
            "tries": 1,
            "since": "2026-11-23T08:17:00.000Z",
        },
        {
            "id": "D10",
            "record": "members-11.csv line 214",
            "stream": "shop/members",
            "state": "open",
            "code": "CW401",
            "field": "phone",
            "reason": "not possible in DE",
            "tries": 1,
            "since": "2026-11-23T06:20:00.000Z",
        },
    ],
    "problems": [],
    "exit_code": 0,
}

DLQ_CLOSED: dict[str, Any] = {**DLQ, "dead_letters": [{**DLQ["dead_letters"][0], "state": "closed"}]}

DLQ_RUN: dict[str, Any] = {
    **SYNC,
    "run": run(148, 0.4),
    "totals": {"read": 1, "changed": 0, "written": 0, "moved": 0, "aside": 0, "waiting": 0},
}

DECIDED: dict[str, Any] = {
    "decided": [
        {"id": f"C{31 + at}", "entity": "person/8f2kq", "field": "title", "value": "COO", "take": "side"}
        for at in range(7)
    ],
    "left": [],
    "suggestion": "job_title: {on_conflict: [newest, masters], tolerance: 10m}",
    "under": "merge.person",
    "problems": [],
    "exit_code": 0,
}

AUDIT: dict[str, Any] = {
    "run": "R151",
    "compared": 1242,
    "held": 62118,
    "unlike": 3,
    "calls": [{"connection": "salesforce", "calls": 7, "unit": "calls"}],
    "differences": [
        *(
            {
                "record": f"salesforce/contacts/003Ab00000Rt1K{at}", "field": "job_title", "kind": "edited since",
                "explanation": "expected", "action": "the next sync takes them", "at": "2026-11-23T07:00:00.000Z",
            }
            for at in range(4)
        ),
        {
            "record": "salesforce/contacts/003Ab00000Rt1Kk", "field": "phones", "kind": "changed unseen",
            "explanation": "inside a window that was closed", "action": "R151 reads it now",
            "at": "2026-11-21T03:12:00.000Z",
        },
    ],
    "widened": [{"stream": "salesforce/contacts", "seconds": 600.0}],
    "paused": [],
    "problems": [],
    "exit_code": 0,
}  # fmt: skip

ANSWERS: dict[str, dict[str, Any]] = {
    "check": CHECK,
    "discover": DISCOVER,
    "plan": PLAN,
    "show_plan": PLAN,
    "apply": APPLY,
    "undo": UNDO,
    "audit": AUDIT,
    "sync": SYNC,
    "resync": RESYNC,
    "status": STATUS,
    "runs": RUNS,
    "explain": EXPLAIN,
    "review_list": REVIEW,
    "review_decide": DECIDED,
    "review_pair": {"problems": [], "exit_code": 0},
    "dlq_list": DLQ,
    "dlq_show": {**DLQ, "dead_letters": DLQ["dead_letters"][:1]},
    "dlq_retry": {**DLQ, "dead_letters": DLQ["dead_letters"][:1]},
    "dlq_drop": {"dead_letters": [], "problems": [], "exit_code": 0},
}


@dataclass
class FakeHub:
    """Answers as it is told, and remembers what it was asked. An answer may be an error, or a function."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    time_zone: ZoneInfo = BERLIN
    halted: threading.Event = field(default_factory=threading.Event)
    progress: Any = None
    opened: dict[str, Any] = field(default_factory=dict)

    def stop(self) -> None:
        self.halted.set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self.answers and name not in ANSWERS:
            raise AttributeError(name)

        def answer(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, args, kwargs))
            given = self.answers.get(name, ANSWERS.get(name))
            if isinstance(given, Exception):
                raise given
            return given(*args, **kwargs) if callable(given) else given

        return answer


def module_of(hub: FakeHub) -> ModuleType:
    """`crosswalk.app` with this hub behind it."""

    @contextmanager
    def open_hub(config: Path, *, progress: Any, who: str) -> Iterator[FakeHub]:
        hub.opened = {"config": config, "who": who}
        hub.progress = progress
        if isinstance(error := hub.answers.get("open"), Exception):
            raise error
        yield hub

    module = ModuleType("crosswalk.app")
    module.open_hub = open_hub  # type: ignore[attr-defined]  # made here
    return module


class Stream(io.TextIOWrapper):
    """What a test reads afterwards, a terminal or not."""

    def __init__(self, *, terminal: bool, typed: str = "") -> None:
        self.bytes = io.BytesIO(typed.encode())
        super().__init__(self.bytes, encoding="utf-8", newline="\n")
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    @property
    def text(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode()


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


def make_runner(monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> Run:
    """`crosswalk ARGS` in this process, at a fixed time."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setitem(sys.modules, "crosswalk.app", module_of(hub))
    for name in ("NO_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def crosswalk(*args: str, terminal: bool = False, typed: str = "", columns: int | None = None) -> Result:
        stdin, stdout, stderr = (
            Stream(terminal=terminal, typed=typed),
            Stream(terminal=terminal),
            Stream(terminal=terminal),
        )
        if columns is not None:
            monkeypatch.setenv("COLUMNS", str(columns))
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", stdin)
            patched.setattr(sys, "stdout", stdout)
            patched.setattr(sys, "stderr", stderr)
            code = 0
            try:
                application(list(args), prog_name="crosswalk")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        return Result(code, stdout.text, stderr.text)

    return crosswalk

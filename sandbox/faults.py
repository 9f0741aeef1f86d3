"""Failing on demand: which call is to go wrong, how, and how often.

A fault is set as a JSON object with `kind` and, all of them optional,

    vendor       whose calls; else everybody's
    method path  which calls: "GET" or "POST,PATCH"; a regular expression searched in the path and query
    skip         calls that match are let through before it begins
    count        how often it fires; without it, until it is cleared
    probability  of firing on a call that matches, drawn from `seed`

and what its kind needs (`KINDS`).
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final

from sandbox.web import Answer, Call, Json, LocksRows, Revocable, Vendor, dump

# What a kind needs beside the common words: name -> what it means when left out.
KINDS: Final[Mapping[str, Mapping[str, Json]]] = {
    # the call takes effect, and the connection breaks before a byte of the answer
    "lost_response": {},
    # too many requests; seconds to wait, null: it does not say
    "storm": {"retry_after": None},
    # the server fails; `when` after: the call has taken effect all the same
    "error": {"status": 502, "when": "before", "html": False},
    # every access token dies and this call is refused for it
    "expired_token": {},
    # the app is thrown out: its access and refresh tokens die, and this call is refused for it
    "revoked_grant": {},
    # this call is refused for want of a permission
    "forbidden": {},
    # the answer takes its time
    "slow": {"delay_ms": 500},
    # what the call writes is seen only later, under the stamp of now
    "late_commit": {"seconds": 60},
    # somebody else holds every so manieth of the records that the call writes; only where a vendor locks rows
    "locked_rows": {"every": 1},
    # the body breaks off; `honest`: with a length that says so, else the connection breaks as well
    "truncated": {"honest": True},
    # the page before is answered once more
    "duplicate_page": {},
    # standing ones: they hold from when they are set until they are cleared
    "schema": {"stream": None, "field": None, "to": None},
    "search_lag": {"seconds": 5},
}
STANDING: Final = frozenset({"schema", "search_lag"})
_COMMON: Final = frozenset({"kind", "vendor", "method", "path", "skip", "count", "probability", "seed"})


@dataclass(slots=True, kw_only=True)
class Fault:
    id: int
    kind: str
    vendor: str | None
    methods: frozenset[str]  # empty: every one
    path: re.Pattern[str] | None
    skip: int
    count: int | None
    probability: float
    seed: int
    needs: Mapping[str, Json]
    matched: int = 0
    fired: int = 0
    rng: random.Random = field(default_factory=random.Random)

    def fires(self, vendor: str, call: Call, target: str) -> bool:
        """Whether this call goes wrong; counts it."""
        if self.vendor not in (None, vendor) or (self.methods and call.method not in self.methods):
            return False
        if self.path is not None and not self.path.search(target):
            return False
        if self.count is not None and self.fired >= self.count:
            return False
        self.matched += 1
        if self.matched <= self.skip or self.rng.random() >= self.probability:
            return False
        self.fired += 1
        return True

    def shown(self) -> Json:
        return {
            "id": self.id,
            "kind": self.kind,
            "vendor": self.vendor,
            "method": ",".join(sorted(self.methods)) or None,
            "path": self.path and self.path.pattern,
            "skip": self.skip,
            "count": self.count,
            "probability": self.probability,
            "seed": self.seed,
            **self.needs,
            "matched": self.matched,
            "fired": self.fired,
        }


class Board:
    """The faults that are set, in order. Not locked: see the server."""

    def __init__(self, vendors: Mapping[str, Vendor]) -> None:
        self._vendors = vendors
        self._faults: list[Fault] = []
        self._ids = count(1)
        self._last_page: dict[tuple[str, str], Answer] = {}

    def set(self, wanted: Mapping[str, Any], *, vendor: str | None = None) -> Fault:
        """Set a fault; raises `ValueError` that says what is wrong with the description."""
        fault = self._read(wanted, vendor)
        if fault.kind == "locked_rows" and not isinstance(self._vendors.get(fault.vendor or ""), LocksRows):
            raise ValueError(f"locked_rows needs a vendor that locks rows, not {fault.vendor!r}")
        if fault.kind in STANDING:
            self._begin(fault)
        self._faults.append(fault)
        return fault

    def _read(self, wanted: Mapping[str, Any], vendor: str | None) -> Fault:
        kind = str(wanted.get("kind"))
        if kind not in KINDS:
            raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}")
        unknown = wanted.keys() - _COMMON - KINDS[kind].keys()
        if unknown:
            raise ValueError(
                f"{kind} knows no {', '.join(sorted(unknown))}; it knows {', '.join(KINDS[kind]) or 'nothing'}"
            )
        of = wanted.get("vendor", vendor)
        if of is not None and of not in self._vendors:
            raise ValueError(f"vendor is {of!r}, expected one of {', '.join(self._vendors)}")
        try:
            path = None if wanted.get("path") is None else re.compile(str(wanted["path"]))
        except re.error as exc:
            raise ValueError(f"path is no regular expression: {exc}") from exc
        seed = int(wanted.get("seed", 0))
        return Fault(
            id=next(self._ids),
            kind=kind,
            vendor=of,
            methods=frozenset(re.findall(r"[A-Z]+", str(wanted.get("method") or "").upper())),
            path=path,
            skip=int(wanted.get("skip", 0)),
            count=None if wanted.get("count") is None else int(wanted["count"]),
            probability=float(wanted.get("probability", 1)),
            seed=seed,
            needs={name: wanted.get(name, default) for name, default in KINDS[kind].items()},
            rng=random.Random(seed),
        )

    def _begin(self, fault: Fault) -> None:
        if fault.kind == "schema" and fault.vendor is None:
            raise ValueError("schema needs a vendor")
        for name, vendor in self._vendors.items():
            if fault.vendor not in (None, name):
                continue
            if fault.kind == "search_lag":
                vendor.lag_search(timedelta(seconds=float(fault.needs["seconds"])))
                continue
            try:
                vendor.change_schema(str(fault.needs["stream"]), str(fault.needs["field"]), to=fault.needs["to"])
            except KeyError as exc:
                raise ValueError(f"there is no {exc}") from exc
        fault.fired += 1

    def clear(self, *, vendor: str | None = None) -> int:
        """Take back every fault (of one vendor); how many there were."""
        gone = [fault for fault in self._faults if vendor is None or fault.vendor in (None, vendor)]
        self._faults = [fault for fault in self._faults if fault not in gone]
        for name, simulated in self._vendors.items():
            if vendor in (None, name):
                simulated.restore_schema()
                simulated.lag_search(timedelta(0))
        return len(gone)

    def shown(self, *, vendor: str | None = None) -> Json:
        return [fault.shown() for fault in self._faults if vendor is None or fault.vendor in (None, vendor)]

    def strike(self, vendor: str, call: Call, target: str) -> "Strike":
        """What goes wrong with this call. `target`: its path and query."""
        fired = [fault for fault in self._faults if fault.kind not in STANDING and fault.fires(vendor, call, target)]
        return Strike(self._vendors[vendor], {fault.kind: fault.needs for fault in fired}, self._last_page)


class Strike:
    """The faults of one call, by kind."""

    def __init__(
        self, vendor: Vendor, fired: Mapping[str, Mapping[str, Json]], last_page: dict[tuple[str, str], Answer]
    ) -> None:
        self._vendor, self._fired, self._last_page = vendor, fired, last_page

    @property
    def delay(self) -> float:
        """Seconds to wait before anything else."""
        slow = self._fired.get("slow")
        return float(slow["delay_ms"]) / 1000 if slow else 0.0

    @property
    def commits_late(self) -> timedelta:
        """How much later others see what the call writes."""
        late = self._fired.get("late_commit")
        return timedelta(seconds=float(late["seconds"])) if late else timedelta(0)

    @property
    def loses_response(self) -> bool:
        return "lost_response" in self._fired

    @property
    def breaks_off(self) -> bool:
        """The body ends early and the connection with it."""
        cut = self._fired.get("truncated")
        return bool(cut) and not cut["honest"] if cut else False

    def answer(self, call: Call) -> Answer:
        """The vendor's answer, or what comes in its place."""
        if "expired_token" in self._fired:
            self._vendor.expire_tokens()
            return self._vendor.unauthorized()
        if "revoked_grant" in self._fired:
            self._vendor.expire_tokens()
            if isinstance(self._vendor, Revocable):
                self._vendor.revoke_grant()
            return self._vendor.unauthorized()
        if "forbidden" in self._fired:
            return self._vendor.forbidden()
        if "storm" in self._fired:
            return self._vendor.throttled(self._fired["storm"]["retry_after"])
        error = self._fired.get("error")
        if error and error["when"] == "before":
            return _failure(error)
        answer = self._answer(call)
        if error:
            return _failure(error)
        return self._page(call, answer)

    def _answer(self, call: Call) -> Answer:
        vendor, late, locked = self._vendor, self.commits_late, self._fired.get("locked_rows")
        if late:
            vendor.commit_late(late)
        if locked and isinstance(vendor, LocksRows):
            vendor.lock_rows(int(locked["every"]))
        try:
            return vendor.answer(call)
        finally:
            if late:
                vendor.commit_late(timedelta(0))
            if locked and isinstance(vendor, LocksRows):
                vendor.lock_rows(0)

    def _page(self, call: Call, answer: Answer) -> Answer:
        if call.method != "GET" or answer.status != 200:
            return answer
        at = (self._vendor.name, call.path)
        before = self._last_page.get(at)
        if "duplicate_page" in self._fired and before is not None:
            return before
        self._last_page[at] = answer
        if "truncated" in self._fired:
            return Answer(answer.status, answer.body[: len(answer.body) * 2 // 3], answer.headers, answer.media_type)
        return answer


def _failure(error: Mapping[str, Json]) -> Answer:
    status = int(error["status"])
    if error["html"]:
        page = f"<html><head><title>{status}</title></head><body><h1>{status} Bad Gateway</h1></body></html>"
        return Answer(status, page.encode(), media_type="text/html")
    return Answer(status, dump({"success": False, "error": "Internal server error", "code": "INTERNAL_ERROR"}))

"""Reading records: one, lists, what has been deleted, how many there are."""

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.vendors.zoho.account import Account, each_deletion
from sandbox.vendors.zoho.answers import (
    NO_CONTENT,
    NOT_MODIFIED,
    invalid_id,
    invalid_module,
    invalid_param,
    missing_param,
)
from sandbox.vendors.zoho.listing import Lists, choice, conversions, field_names, numbered, since
from sandbox.vendors.zoho.search import Search
from sandbox.vendors.zoho.stamps import kept, shown
from sandbox.vendors.zoho.writes import Writes
from sandbox.web import Answer, Call, Json, dump

# What every record has beside its fields, when it is read by itself.
_STATE: Final[Mapping[str, Json]] = {
    "$approved": True,
    "$approval_state": "approved",
    "$editable": True,
    "$review": None,
    "$review_process": {"approve": False, "reject": False, "resubmit": False},
    "$approval": {"delegate": False, "approve": False, "reject": False, "resubmit": False},
    "$state": "save",
    "$process_flow": False,
    "$orchestration": None,
    "$sharing_permission": "full_access",
    "$currency_symbol": "€",
}


class Records:
    def __init__(self, account: Account, writes: Writes, search: Search, me: str) -> None:
        self._account, self._writes, self._search, self._me = account, writes, search, me
        self._lists = Lists(account)

    def module(self, name: str) -> str:
        if name not in self._account.tables:
            raise invalid_module()
        return name

    def list(self, call: Call, at: Sequence[str]) -> Answer:
        return self._lists.records(call, self.module(at[0]))

    def one(self, call: Call, at: Sequence[str]) -> Answer:
        """An id that never was is refused, one that was deleted has no content."""
        module = self.module(at[0])
        key = self.key(call, module, at[1])
        record = self._account.find(module, key)
        if record is None:
            if key not in self._account.deleted[module]:
                raise invalid_id()
            return NO_CONTENT
        moment = since(call)
        if moment is not None and record["Modified_Time"] < moment:
            return NOT_MODIFIED
        names = field_names(call.query) if call.query.get("fields") else None
        shown_record = self._account.view(module, names)(record)
        if names is None:
            locked = bool(record.get("_locked"))
            shown_record |= {**_STATE, "$locked_for_me": locked, "$in_merge": False, "Locked__s": locked}
        return Answer(200, dump({"data": [shown_record]}))

    def key(self, call: Call, module: str, text: str) -> str:
        """The id of the record that a path means: by its id, or by what the header says it is addressed by."""
        external = call.headers.get("x-external")
        if external is None:
            if not text.isdigit():
                raise invalid_id()
            return text
        of, _, name = external.partition(".")
        field = self._account.catalogues[module].by_name().get(name)
        if of != module or field is None or not field.external:
            raise invalid_param("X-EXTERNAL")
        twins = self._account.twins(module, field.key, text)
        if not twins:
            raise invalid_id()
        return twins[0]

    def insert(self, call: Call, at: Sequence[str]) -> Answer:
        return self._writes.insert(call, self.module(at[0]), self._me)

    def update(self, call: Call, at: Sequence[str]) -> Answer:
        return self._writes.update(call, self.module(at[0]), self._me)

    def update_one(self, call: Call, at: Sequence[str]) -> Answer:
        module = self.module(at[0])
        return self._writes.update(call, module, self._me, key=self.key(call, module, at[1]))

    def upsert(self, call: Call, at: Sequence[str]) -> Answer:
        return self._writes.upsert(call, self.module(at[0]), self._me)

    def delete(self, call: Call, at: Sequence[str]) -> Answer:
        module = self.module(at[0])
        keys = [word.strip() for word in call.query.get("ids", "").split(",") if word.strip()]
        if not keys:
            raise missing_param("ids")
        return self._writes.delete(call, module, self._me, keys)

    def delete_one(self, call: Call, at: Sequence[str]) -> Answer:
        module = self.module(at[0])
        return self._writes.delete(call, module, self._me, [self.key(call, module, at[1])])

    def deleted(self, call: Call, at: Sequence[str]) -> Answer:
        account, module = self._account, self.module(at[0])
        kind = choice(call.query, "type", ("all", "recycle", "permanent"))
        moment = since(call)
        rows = []
        for gone in each_deletion(account, module, call.now):
            state = "recycle" if gone.in_bin(call.now) else "permanent"
            if kind in {"all", state} and (moment is None or kept(gone.at) >= moment):
                rows.append(
                    {
                        "deleted_by": account.by(gone.by),
                        "id": gone.id,
                        "display_name": gone.name if state == "recycle" else None,
                        "type": state,
                        "created_by": account.by(gone.created_by),
                        "deleted_time": shown(kept(gone.at)),
                    }
                )
        return numbered(call, rows, most=None)

    def search(self, call: Call, at: Sequence[str]) -> Answer:
        return self._search.records(call, self.module(at[0]))

    def count(self, call: Call, at: Sequence[str]) -> Answer:
        """All of a module, or what a search finds; of leads those that are not converted, unless they are asked for."""
        module = self.module(at[0])
        if any(call.query.get(name) for name in ("criteria", "email", "phone", "word")):
            number = sum(1 for _ in self._search.found(call, module))
        else:
            wanted = conversions(call.query, module)
            number = sum(1 for record in self._account.tables[module] if bool(record.get("Converted__s")) in wanted)
        return Answer(200, dump({"count": number}))

"""Every code that a person may read: what happened, what the hub does by itself, what is left to do.

The first digit says what happens next: 1 edit the file, 2 grant access, 3 wait or ask the vendor, 4 a record is set
aside, 5 mend the store, 6 another process, 7 a person decides, 8 versions. A code never changes its meaning.
"""

from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import Final

from msgspec import Struct

from crosswalk.problems import Problem, Severity

FAMILIES: Final[Mapping[str, str]] = {
    "1": "edit the file",
    "2": "grant access",
    "3": "wait, or ask the vendor",
    "4": "a record is set aside",
    "5": "mend the store",
    "6": "another process",
    "7": "a person decides",
    "8": "versions",
}

# 0 done, 1 failed, 2 nothing was written since the configuration does not allow it, 3 somebody is waited for.
_EXITS: Final[Mapping[str, int]] = {"1": 2, "2": 1, "3": 1, "4": 0, "5": 1, "6": 1, "7": 3, "8": 2}
# The first that applies.
_RANK: Final = (2, 1, 3, 0)
_WIDTH: Final = 80


class Message(Struct, frozen=True, kw_only=True):
    """One code. `text` and `todo` show the form of the two lines that people see, with an example's values in them.

    `happened` says why it comes to this, `itself` what the hub does without being asked.
    """

    code: str
    text: str
    todo: str
    happened: str
    itself: str
    severity: Severity = "error"
    exits: int | None = None

    @property
    def family(self) -> str:
        return FAMILIES[self.code[2]]

    @property
    def exit_code(self) -> int:
        """What a command that ends with this exits with; a warning never changes it."""
        if self.severity == "warning":
            return 0
        return _EXITS[self.code[2]] if self.exits is None else self.exits

    def page(self) -> str:
        """The page that `crosswalk explain CW202` prints."""
        parts = [
            f"{self.code}  {self.text}",
            f"{self.severity}, exit code {self.exit_code}: {self.family}",
            "",
            *_paragraph("What happened", self.happened),
            *_paragraph("What the hub does by itself", self.itself),
            *_paragraph("What to do", self.todo),
        ]
        return "\n".join(parts).rstrip() + "\n"


def _paragraph(heading: str, text: str) -> list[str]:
    body = fill(
        text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False, break_long_words=False
    )
    return [heading, body, ""]


def exit_code(problems: Iterable[Problem]) -> int:
    """What a command ends with, judged by its problems: the first that applies of 2, 1, 3, 0."""
    found = {MESSAGES[problem.code].exit_code for problem in problems if problem.severity == "error"}
    return next((code for code in _RANK if code in found), 0)


def explain(code: str) -> str | None:
    """The page of a code, however it is written; None: there is no such code."""
    message = MESSAGES.get(code.strip().upper())
    return None if message is None else message.page()


_NOT_STARTED = (
    "Nothing is contacted and nothing is written while the file has an error; all its errors are told at once."
)
_OTHERS_GO_ON = "This connection is paused; the others go on, and what was missed is caught up afterwards."

_ALL: Final = (
    Message(
        code="CW100",
        text="the file is not YAML here: found '{'",
        happened="The text cannot be read as YAML. Most often a value holds a character that means something to YAML "
        "(: # { } [ ] , & * ! | > ' \" % @), a tab indents a line, or a line stands deeper than the one above for no "
        "reason. The place named is where reading stopped; the cause may stand a little before it.",
        itself=_NOT_STARTED,
        todo="Follow the cure that is named beside the place. Where none fits: compare the indentation with the line "
        "above, and put the whole value in single quotes ('\"Tel. privat\" | phone'). A reference is env:NAME, "
        "without a blank and without braces.",
    ),
    Message(
        code="CW101",
        text="a Salesforce stream has no key 'wirte'",
        happened="A key is not known at this place. Unknown keys are errors, since a misspelt one would be a setting "
        "that silently does nothing. The keys webhooks, invitations, frequency and erasure are reserved for a "
        "later version.",
        itself=_NOT_STARTED,
        todo="Write the key that is named as the nearest, or take the line out. With crosswalk.schema.json beside the "
        "file (crosswalk init writes it) an editor offers the keys.",
    ),
    Message(
        code="CW102",
        text="per_day is '40k'",
        happened="A value does not have the form that its key takes, a word is none of those allowed, or a key that is "
        "needed is missing. Durations are a whole number and one of s m h d w (15m), shares end with % (5%), whole "
        "numbers have no separators.",
        itself=_NOT_STARTED,
        todo="Write the form, or one of the words, that is named beside the place.",
    ),
    Message(
        code="CW103",
        text="a secret stands in the file, or SF_CLIENT_SECRET is not set",
        happened="Secrets are never kept in the file: it is read by many, copied and committed. Either a secret is "
        "written out there, or what a reference names cannot be fetched.",
        itself=f"{_NOT_STARTED} The value is masked wherever the line is shown.",
        todo="Write env:NAME or file:PATH. A name that the environment lacks may stand in .env beside the file, as "
        "NAME=value. A secret that has stood in a file should be renewed: it may be in the history of the repository "
        "or in a backup.",
    ),
    Message(
        code="CW104",
        text="pipedrive and pipedrive_eu are the same account",
        happened="Two connections answer with the id of one and the same account. Each would take the other's writes "
        "for edits by people.",
        itself="Neither of the two is read or written; the other connections go on.",
        todo="Take one of them out of the file, or correct the credentials of the one that is meant to be another "
        "account. Streams of one account belong under one connection.",
        exits=2,
    ),
    Message(
        code="CW105",
        text="there is no connection 'shopp'",
        happened="A connection or connector is named that does not exist: in masters, allow_clear or create_from a "
        "name that is no key under connections, or under connections a connector that is not installed or cannot be "
        "loaded.",
        itself=_NOT_STARTED,
        todo="Write the name that is offered. A connection with a name of your own says which connector it is of: "
        "connector: files. A connector of another distribution is installed with pip into the same environment.",
    ),
    Message(
        code="CW106",
        text="Pipedrive persons have no field 'Kundenstuffe'",
        happened="The catalogue of the stream, as the vendor tells it to this user, has no field of this name or "
        "label. A field that is hidden from the user, by a role or by field-level security, looks the same.",
        itself="A stream with such a line is not synced, since a missing field may be a misspelt one.",
        todo="Compare with crosswalk discover pipedrive/persons. Write the name or the label of the field, or make it "
        "visible to the user that the token belongs to.",
    ),
    Message(
        code="CW107",
        text="person has no field 'fone'",
        happened="The left side of a mapping line, a field under merge or in a match rule is no field of the common "
        "schema, which is the same for all systems.",
        itself=_NOT_STARTED,
        todo="Write the field that is named as the nearest. What has no field of its own is custom.NAME, with a name "
        "of a-z, 0-9 and _.",
    ),
    Message(
        code="CW108",
        text="there is no function 'fone'",
        happened="Behind a pipe stands a word that is no function of the mapping language, or a function was given "
        "arguments that it does not take.",
        itself=_NOT_STARTED,
        todo="Write the function that is named as the nearest. A vendor field whose name holds a | stands in double "
        "quotes, and the whole value then in single ones.",
    ),
    Message(
        code="CW109",
        text="Amount | phone: phone takes text, Amount is a number",
        happened="The functions of a line do not chain, or what comes out of the last one is not what the hub field "
        "holds.",
        itself="A stream with such a line is not synced.",
        todo="Take a function that accepts what comes before it; those that do are named. A plain field needs no "
        "function: types are brought into their common form without being told.",
    ),
    Message(
        code="CW110",
        text="'(' is not closed",
        happened="The right side of a mapping line cannot be read. Inside { } YAML ends a value at a comma, so "
        "{csat: QID1 | scale(1, 5)} reaches us as QID1 | scale(1.",
        itself=_NOT_STARTED,
        todo="Put the whole value in single quotes. The form is: path | function(argument, ...) | ...; a name with a "
        'dot, |, " or [ stands in double quotes.',
    ),
    Message(
        code="CW111",
        text="'#1 | phone' is a comment: the value is 'Phone'",
        happened="To YAML a # behind a blank begins a comment, wherever it stands. What follows it is not part of the "
        "value.",
        itself="The value is taken as it stands before the #.",
        todo="If the # belongs to the value, put the whole value in single quotes. If it is a comment, write a blank "
        "behind the #.",
        severity="warning",
    ),
    Message(
        code="CW112",
        text="'0 3 * * 1': weekday '1' is not known",
        happened="A schedule cannot be read. Weekdays are written by name, since 1 is Monday to some programs and "
        "Tuesday to others; every and cron exclude each other.",
        itself=_NOT_STARTED,
        todo="Write every: 15m, or five fields: minute hour day month weekday, as in '0 3 * * sun'. Hours are those "
        "of time_zone.",
    ),
    Message(
        code="CW113",
        text="consent[email.survey] cannot be 'newest'",
        happened="The policy is one that this field cannot have: consent only ever tightens, a required field and "
        "consent are never emptied, what the hub computes has no master, a field of one value has no union, and "
        "nothing follows review.",
        itself=_NOT_STARTED,
        todo="Leave the key out, or write what is named beside the place.",
    ),
    Message(
        code="CW114",
        text="'write' stands twice, in line 12 and in line 29",
        happened="A key stands twice in one mapping. Most readers of YAML take the last and say nothing, so that the "
        "first looks as if it were in force.",
        itself=_NOT_STARTED,
        todo="Keep one of the two lines.",
    ),
    Message(
        code="CW115",
        text="Lifecycle__c offers no option 'Kunde'",
        happened="A word under values is no option of the vendor's field, neither by label nor by id; or it stands "
        "for a word that the hub field does not know.",
        itself="A stream with such a line is not synced: a value that the vendor would refuse is never sent.",
        todo="Compare with the options that are named. Add the option at the vendor, or change values.",
    ),
    Message(
        code="CW116",
        text="`Amount | cents(EUR) | round(0)` cannot be written back",
        happened="A line is to be written, yet one of its functions has no inverse, its source is no field, or the "
        "vendor lets nobody write it. Without a prefix or direction such a line would just be read; here the file "
        "asks for more.",
        itself="A stream with such a line is not synced: it would do less than the file says.",
        todo="Leave out direction: write, both or the prefix +, or take functions that can be turned around. crosswalk "
        "discover shows which way each field goes.",
    ),
    Message(
        code="CW117",
        text="NPS score is written by two lines",
        happened="Two lines of a mapping write the same field of the vendor. Whichever came last would win, and the "
        "other would be taken for an edit by people.",
        itself="A stream with such lines is not synced.",
        todo="Take one of them out, or make it read only: direction: read.",
    ),
    Message(
        code="CW118",
        text="qualtrics/directory_contacts creates without hub_id",
        happened="The stream may create records but names no field for our id, or one that is not there or not "
        "unique. When the answer to a create is lost, only a unique field tells for certain whether the "
        "record exists.",
        itself="Creates go one at a time for one person, under a lease, after a search; a double that comes about all "
        "the same is found, linked and reported.",
        todo="Make a unique text field at the vendor and name it as hub_id. Where the vendor knows no unique fields: "
        "nothing.",
        severity="warning",
    ),
    Message(
        code="CW119",
        text="create in accounts needs a value for 'Industry'",
        happened="The vendor demands a field on create that no line of the mapping writes.",
        itself="Nothing is created in this stream; updates go on.",
        todo="Map the field, or take create out of write. At the vendor the field may also be made optional.",
    ),
    Message(
        code="CW120",
        text="budget.per_day is 50,000, the account has 40,000 calls a day",
        happened="The file allows more calls than the account has.",
        itself="The hub keeps to what the account has, less the reserve.",
        todo="Lower budget.per_day, or ask the vendor for more.",
        severity="warning",
    ),
    Message(
        code="CW121",
        text="owner.name is never filled: no stream is read that tells of owners",
        happened="A line shows something of a person's owner or company in another system, and none of the listed "
        "streams has owners or companies.",
        itself="The line is kept and writes nothing.",
        todo="List a stream that has them, such as users or accounts of a CRM, or take the line out.",
        severity="warning",
    ),
    Message(
        code="CW122",
        text="on_delete has no effect: no other stream of persons may be deleted from",
        happened="A delete in this stream is to be followed by the others, and none of them may be deleted from.",
        itself="A delete stays where it was made.",
        todo="Add delete to `write` of the streams whose records are to be put away, or take on_delete out.",
        severity="warning",
    ),
    Message(
        code="CW123",
        text="phones[mobile]: none of 200 records has a 'Tel. mobil'",
        happened="A line names a field that the vendor lists, and no record that was looked at has it, filled or not: "
        "it may be sent only when it is asked for, only where it is filled, or under another name.",
        itself="Nothing is read for that line; what is not there is never taken for cleared.",
        todo="Look at a record: crosswalk discover shows the fields, the connector's page what has to be asked for. "
        "Where it is merely rare, leave it.",
        severity="warning",
    ),
    Message(
        code="CW130",
        text="no column 'rid'; there are: id, source, name",
        happened="A file that crosswalk match was given cannot be used: it is no CSV or YAML, a column or a cell is "
        "not as it has to be, or two rows have one key. Each fault is told with its line and the number of its column.",
        itself="Nothing is matched while a file has a fault.",
        todo="Mend the line that is named. Records have a row each with rid (a key of its own), source (the system "
        "that has it) and what is known; the truth has rid and cluster, equal for records of one.",
    ),
    Message(
        code="CW131",
        text="too little to learn from in people.csv: there are 312 records",
        happened="crosswalk match train found too few records, or too few pairs among them that are likely one. What a "
        "handful of pairs tells would make the weights worse than those that ship.",
        itself="No model is written.",
        todo="Use the model that ships, or train on more records: those of all systems together, since it is pairs of "
        "records of one person or company that teach.",
    ),
    Message(
        code="CW132",
        text="Spark cannot be used: pyspark is not installed",
        happened="Records are to be weighed on Spark (`spark` under `match`, or --spark), and this machine lacks what "
        "that takes, or the master that is named does not answer.",
        itself="Nothing is matched meanwhile, and nothing is lost: what was read waits for the next run. Until one "
        "gets through, `crosswalk status` says so.",
        todo="Install crosswalk[spark] and Java 17 or newer here and on each worker, and see that the master runs. Or "
        "take `spark` out: this machine comes to the same groups, as far as its memory goes.",
    ),
    Message(
        code="CW201",
        text="the refresh token is revoked or of another data center",
        happened="The vendor refuses to give a new access token. The refresh token was revoked, has expired, was used "
        "up by another program, or by one of ours that was killed before it could store the next one, or belongs to "
        "another data center; or the client id and secret in the file are not those of the app.",
        itself=_OTHERS_GO_ON,
        todo="A client that is refused is corrected in the file, or where it refers to. Else make a new token at the "
        "vendor and put it where the reference points, which is noticed by itself; or, where auth is of that kind, "
        "grant access in a browser with crosswalk auth. Then crosswalk check with the name of the connection. A copy "
        "of the hub that shares a rotating token with this one will break it again.",
    ),
    Message(
        code="CW202",
        text="the token has been refused since 09:20",
        happened="The vendor answers 401 to a token that it took before. It was revoked, its user was deactivated or "
        "changed the password, or the application was removed.",
        itself=_OTHERS_GO_ON,
        todo="Make a new token, put it where the reference points, then crosswalk check with the name of the "
        "connection.",
    ),
    Message(
        code="CW203",
        text="the account answers 403 to everything",
        happened="The token is valid, yet its user may not use the API at all: a setting of the account, an address "
        "that is not on its allow list, or a subscription that has ended.",
        itself=_OTHERS_GO_ON,
        todo="Ask the administrator of the account to allow API access for this user and for the address of this "
        "machine, then crosswalk check with the name of the connection.",
    ),
    Message(
        code="CW204",
        text="may read contacts, may not create them: 403",
        happened="The user that the token belongs to lacks a permission that the file asks for.",
        itself="The stream goes on with what it may do; what waits for the permission is shown by status.",
        todo="The permission is named as the vendor calls it, and who grants it. Grant it and run crosswalk check, or "
        "take the word out of write.",
    ),
    Message(
        code="CW205",
        text="nobody has granted access yet",
        happened="The connection is to use an app that a person allows in a browser (flow: authorization_code), and no "
        "grant to this app is in the store: it was never given, it was refused, or client_id is another one since.",
        itself="This connection is not asked; the others go on.",
        todo="Run crosswalk auth with the name of the connection. It opens the vendor's page, says what to click where "
        "there is no app yet, and keeps the grant encrypted in the store. No token has to stand in the file.",
    ),
    Message(
        code="CW206",
        text="the grant of Acme (9) is not kept",
        happened="What was granted in the browser belongs to another account than the one that the store knows under "
        "this name, and nobody said that it is to be kept.",
        itself="The grant was thrown away. What the store held before is in force.",
        todo="Run crosswalk auth again and allow it as a user of the account that it was. Another account's records "
        "want a connection of their own: under this name they would be taken for those of the first.",
    ),
    Message(
        code="CW207",
        text="salesforce was account Nordlicht (00D1), and answers as Test (00D9)",
        happened="The credentials lead to another account than the one whose records the store holds under this name. "
        "Read as that one, all of its records would count as deleted.",
        itself="Nothing of it is read or written; the other connections go on.",
        todo="Correct the credentials, then crosswalk check with the name of the connection. If the new account is "
        "meant, give it a connection of its own: what is known of the first stays under its name.",
    ),
    Message(
        code="CW208",
        text="crm is the account of sales, which the file no longer names (12 records)",
        happened="A connection was given another name in the file, or taken out and put in again under a new one. The "
        "hub knows records by the name of their connection and their key: under a new name each would be a new one, "
        "beside the old one that nobody reads any more.",
        itself="Nothing of it is read or written; the other connections go on.",
        todo="Call it by its old name again, there and in masters, create_from and allow_clear, then crosswalk check. "
        "Streams of a folder of exports keep their names for the same reason.",
    ),
    Message(
        code="CW301",
        text="nordlciht.my.salesforce.com: no such host",
        happened="The name of the vendor's server cannot be resolved.",
        itself=_OTHERS_GO_ON,
        todo="Check account or base_url in the file, then DNS and the proxy of this machine.",
    ),
    Message(
        code="CW302",
        text="Zoho does not answer (timed out 3 times, 30 s each)",
        happened="The vendor did not answer, or answered that it cannot now (5xx), after several tries with growing "
        "pauses.",
        itself="It is tried again at the time that is named and with every further slot; nothing is lost, since a "
        "window counts as read only when it has been read to its end.",
        todo="Nothing; crosswalk status shows when it answers again. If it lasts, see the vendor's status page.",
    ),
    Message(
        code="CW303",
        text="Salesforce has 0 of 40,000 calls left until about 14:20",
        happened="The hub has used up its share of the account's calls, or the account has none left.",
        itself="What waits goes out when there are calls again. Opt-outs go first and may spend the reserve.",
        todo="Nothing, or raise budget.per_day. A longer schedule and fewer streams need fewer calls.",
    ),
    Message(
        code="CW304",
        text="Pipedrive asks to slow down until 09:31",
        happened="The vendor answered 429: too many calls in a short time, by us or by others of the same account.",
        itself="The connection waits as long as the vendor says and goes on at a slower pace.",
        todo="Nothing. If it comes often, another program uses the same account; lower budget.per_day.",
    ),
    Message(
        code="CW305",
        text="Salesforce no longer has CX_NPS_Class__c",
        happened="A field that was there at check is gone, or hidden from the user.",
        itself="This field is paused, the stream goes on. Its values are kept.",
        todo="Restore the field, make it visible again, or map another one.",
    ),
    Message(
        code="CW306",
        text="the listing of contacts ended early: 2,000 of 62,118",
        happened="A listing stopped before its end: at a cap of the vendor, at a page that made no progress, or with "
        "fewer records than the vendor counts.",
        itself="The window is not counted as read and is read again, in halves where the vendor allows it. Nothing is "
        "taken for deleted.",
        todo="Nothing, unless it stays: then crosswalk runs with the run's id and --report makes a file to send in.",
    ),
    Message(
        code="CW307",
        text="Qualtrics answered in a form the connector does not know",
        happened="The vendor changed its API, or a proxy answered in its place.",
        itself="The stream stops where it stood; the others go on.",
        todo="crosswalk runs R150 --report makes a file without personal data to send in. Look for a newer version "
        "of the connector.",
    ),
    Message(
        code="CW308",
        text="the certificate of crm.example.com is not trusted",
        happened="The connection cannot be encrypted: the certificate has expired, is of another name, or is issued "
        "by an authority that this machine does not know, such as that of a company's proxy.",
        itself=_OTHERS_GO_ON,
        todo="Install the authority of your proxy on this machine, or correct base_url. The check cannot be switched "
        "off.",
    ),
    Message(
        code="CW309",
        text="asked for what changed since 09:14, Acme does not show what did then",
        happened="The newest record that the store holds was asked for again by its own time stamp, and the answer was "
        "empty, though the record is there as it was. The vendor does not filter as the connector expects: another "
        "time zone, another field, a filter that is ignored.",
        itself="Nothing is changed. A daily sweep still finds records that are new or gone, but not edits.",
        todo="crosswalk resync with the name of the stream reads all of it. Report it to whoever maintains the "
        "connector.",
    ),
    Message(
        code="CW310",
        text="2 of salesforce/contacts had changed unseen: overlap is now 10 min",
        happened="An audit found records whose change stands inside a window that had been read to its end: the vendor "
        "committed it later under an older stamp, or changed it without a new one.",
        itself="The audit has read them. From now on the windows of this stream overlap by twice as much, so that what "
        "comes as late again is seen by the next sync.",
        todo="Nothing, if it happens once. If it comes again, have audits more often (schedule.audit): some changes of "
        "some vendors leave no new stamp at all.",
        severity="warning",
    ),
    Message(
        code="CW311",
        text="2 of salesforce/contacts are of people who were erased: not stored",
        happened="A vendor sent records of people of whom the hub is to keep nothing: their keys or e-mail addresses "
        "are those of somebody who was erased (crosswalk erase).",
        itself="They are not stored, not matched and written nowhere. Whatever the vendor sends of them again is left "
        "out as well.",
        todo="Delete them at the vendor, too. If they have come back as customers: crosswalk erase --lift E3.",
        severity="warning",
    ),
    Message(
        code="CW312",
        text="Pipedrive's currency was EUR and is USD: amounts without one are paused",
        happened="The account of a connection answers with another default currency than before. Amounts that have a "
        "currency of their own are what they were. Of the others nobody knows whether they mean the new one, or still "
        "mean the old.",
        itself="Those amounts are neither read nor written; what is known of them stands, and all else goes on.",
        todo="Set the currency back there, or write under the connection which one those amounts are of: currency: EUR "
        "or currency: USD. What the latter makes of them waits in a plan.",
        severity="warning",
    ),
    Message(
        code="CW313",
        text="Typeform's form sLQs4bX2 was deleted while it was read",
        happened="The vendor showed a part of a stream (a form, a survey) and its first responses, and then said that "
        "there is no such part.",
        itself="What had come of it stands, and all other parts are read. Should it come back, the hub goes on where "
        "it was.",
        todo="Nothing. Where the file lists the part by its id, take it away there.",
        severity="warning",
    ),
    Message(
        code="CW401",
        text="members-11.csv line 214: phone is no possible number in DE",
        happened="A value cannot be understood as what its field holds. The field counts as not read on this record: "
        "it neither wins nor clears anything. The other fields go on.",
        itself="The value is kept as a dead letter and looked at again when the record changes.",
        todo="crosswalk dlq show prints it. Correct it at its source, or the mapping line; for numbers without a "
        "country code set phone_region.",
    ),
    Message(
        code="CW402",
        text="members-11.csv line 220 is no record: the key is empty",
        happened="A row lacks what makes it a record: its key, its time stamp, or its form.",
        itself="The row is kept as a dead letter; the others go on.",
        todo="crosswalk dlq show prints it. Correct it at its source: it is read again when it changes.",
    ),
    Message(
        code="CW403",
        text="zoho/contacts/5561000000043: refused, DUPLICATE_DATA",
        happened="The vendor refused one write and said why. Sending the same again would be refused again.",
        itself="The record is blocked in this stream; everything else of it goes on. The write is planned anew when "
        "one of its inputs changes.",
        todo="Mend the cause at the vendor, then crosswalk dlq retry with the id of the letter. A retry plans anew "
        "and never sends the old write.",
    ),
    Message(
        code="CW404",
        text="pipedrive/persons/4711: nobody knows whether the write arrived",
        happened="A write was sent and no answer came. It was looked for, by its unique key or by reading the record "
        "again, and could not be decided.",
        itself="The record is blocked in this stream until it is decided: a second create could make a double.",
        todo="Look at the record at the vendor, then crosswalk dlq retry or dlq drop with the id of the letter.",
    ),
    Message(
        code="CW405",
        text="212 of 400 writes to zoho/contacts were refused: stopped",
        happened="So many writes were refused that the cause is no single record: a new validation rule, a required "
        "field, a mapping that does not fit.",
        itself="The stream stops writing until a person says so; what was refused is set aside, reading goes on, and "
        "what else it lacks waits in the plan.",
        todo="Look at crosswalk dlq --stream zoho/contacts, mend the cause, then crosswalk sync zoho.",
        exits=1,
    ),
    Message(
        code="CW406",
        text="members-11.csv line 214 and line 230 have the key 10294 twice",
        happened="Two rows of one file claim to be the same record. Which of them is true cannot be told.",
        itself="Both rows are kept as a dead letter; the record stays as it was.",
        todo="Correct the file, or name a key that tells the rows apart: key: [shop, member_no].",
    ),
    Message(
        code="CW407",
        text="crm.csv cannot be read: it is no table",
        happened="A whole file cannot be read: it is empty, encrypted, compressed or of another form than its name "
        "says.",
        itself="The file is left out and looked at again when it changes; rows that were read from it before stay.",
        todo="Export it again, as CSV, JSON or .xlsx.",
    ),
    Message(
        code="CW501",
        text="the store cannot be opened: connection refused",
        happened="The database that store.url names does not answer, refuses the login, or lies on a network share "
        "(which SQLite cannot use safely).",
        itself="Nothing was pulled and nothing was written.",
        todo="Start PostgreSQL, or correct store.url. SQLite needs a local disk.",
    ),
    Message(
        code="CW502",
        text="the key does not open this store",
        happened="The store was made with another encryption key.",
        itself="Nothing was changed.",
        todo="Use the key that made it. Without that key: move the store away, connect every account with new tokens, "
        "and let a full sync fill a new one.",
    ),
    Message(
        code="CW503",
        text="the disk is full: 12 MB left where crosswalk.db lies",
        happened="There is no room left for the store.",
        itself="The run stopped between two pages and goes on where it stood.",
        todo="Make room. History and journal have a retention; PostgreSQL may lie on another machine.",
    ),
    Message(
        code="CW504",
        text="the store is busy: it could not be written for 60 s",
        happened="Another program holds the store's write lock: a backup, a database browser, a second hub.",
        itself="The run stopped between two pages and goes on where it stood.",
        todo="Close the other program. For several hubs on one store take PostgreSQL.",
    ),
    Message(
        code="CW601",
        text="R150 of hub-2 works on salesforce/contacts since 09:15",
        happened="Another process holds the lease of this stream.",
        itself="This process leaves the stream alone. A dead process is replaced after 60 s.",
        todo="Wait, or look at crosswalk runs R150.",
    ),
    Message(
        code="CW602",
        text="P87 no longer fits: 2 records moved, settings changed",
        happened="A plan is for the settings and for the records that it was made with. Some of them changed since, "
        "or its time is over.",
        itself="Nothing was written.",
        todo="crosswalk plan makes a new one.",
    ),
    Message(
        code="CW603",
        text="this process lost its lease on salesforce/contacts",
        happened="The process was silent for so long (suspended, starved, cut off from the store) that another one "
        "took over.",
        itself="It stopped before its next commit: what the other one does is not disturbed.",
        todo="Nothing, if it happens once. If it comes again, look at the load of this machine and at the network to "
        "the store.",
    ),
    Message(
        code="CW701",
        text="74 creates in pipedrive/persons: over 60 (5% of 1,208)",
        happened="A run would do more of one class (create, update, clear, delete) in one stream than its guard "
        "allows. That is often right after a change of the mapping, and sometimes the first sign of a mistake.",
        itself="The whole class waits; the other writes go on.",
        todo="Read the plan. If it is meant: crosswalk apply P87 --approve pipedrive/persons:create, or raise "
        "guards.create. If not, mend the mapping: nothing has been written.",
    ),
    Message(
        code="CW702",
        text="title of person/8f2kq changed 6 times in 2 h between hub and Zoho",
        happened="Whatever the hub writes there is rewritten at once, most likely by a workflow of the vendor.",
        itself="The field of this record is frozen and shown as a conflict.",
        todo="Switch the workflow off, or set on_foreign_edit: keep for the field. Then decide the conflict in "
        "crosswalk review.",
    ),
    Message(
        code="CW703",
        text="9 fields in conflict are left alone",
        happened="Several systems changed the same field, and its policy ends with review.",
        itself="Each side keeps what it shows; the other fields go on.",
        todo="crosswalk review asks one by one. The plan names the line of YAML that would settle each kind of them.",
    ),
    Message(
        code="CW704",
        text="first plan of typeform/responses: sync leaves it to apply",
        happened="A mapping is new or has changed its meaning. What it would write has not been seen by anybody yet.",
        itself="Every write whose cause lies in this mapping waits; the others go on.",
        todo="Read the plan, then crosswalk apply with its id. From then on sync writes by itself.",
    ),
    Message(
        code="CW705",
        text="3 pairs may be the same person",
        happened="A rule with then: review, or the scored comparison, found records that may be one and the same.",
        itself="They stay apart until somebody decides.",
        todo="crosswalk review shows what speaks for and against each.",
    ),
    Message(
        code="CW706",
        text="person/8f2kq looks too large: a group of 7 records is 4 steps long",
        happened="Scored matching found more records that hang together than belong to one, or records that only "
        "others between them hold together. Mostly they share what is nobody's own: a switchboard, a mailbox of a "
        "department, a name that stands for no name.",
        itself="Records that do not fit one another are kept apart; what fitted was joined. Nothing else is held back.",
        todo="Look at it with crosswalk explain. Part what is somebody else with crosswalk match split, and name what "
        "is shared under block in match.person of the file.",
        severity="warning",
    ),
    Message(
        code="CW801",
        text="the file is version 2; this is Crosswalk 0.1, which reads 1",
        happened="The file was written for a newer Crosswalk.",
        itself="Nothing else of the file is judged, and nothing is contacted.",
        todo="Upgrade, or keep to version 1.",
    ),
    Message(
        code="CW802",
        text="the file is version 0, the oldest there is is 1",
        happened="The file was written for an older form of the configuration.",
        itself="Nothing else of the file is judged, and nothing is contacted.",
        todo="Write version: 1 and change the keys that are named.",
    ),
    Message(
        code="CW803",
        text="the store is at schema 9, this program knows 7",
        happened="A newer Crosswalk has worked with this store.",
        itself="Nothing was changed.",
        todo="Run the newer program here as well.",
    ),
    Message(
        code="CW804",
        text="the package 'mapping' comes from another distribution",
        happened="Crosswalk's packages are called connectors, mapping, scheduler, crosswalk and sandbox. Another "
        "distribution in this environment brings a package of one of these names, so that parts of two programs "
        "would run as one.",
        itself="The program ends before it reads or writes anything.",
        todo="Install Crosswalk into an environment of its own (python -m venv), or uninstall the other one.",
    ),
)

MESSAGES: Final[Mapping[str, Message]] = {message.code: message for message in _ALL}

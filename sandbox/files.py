"""The shop's exports: the same people as CSV, as a German shop system writes them.

Semicolons, decimal commas, days before months, one file in cp1252 and one in UTF-8 with a mark; and what real exports
have: a few rows that are broken, and a file that was cut off in the middle of its last row. They have lain there for an
hour: nobody writes them any more.
"""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from sandbox.people import Person, as_written, typo
from sandbox.world import ANCHOR, MARA, World, make

COLUMNS: Final = (
    "member_no",
    "Vorname",
    "Nachname",
    "E-Mail",
    "Tel. privat",
    "Firma",
    "Straße",
    "PLZ",
    "Ort",
    "Land",
    "Geburtsdatum",
    "Mitglied seit",
    "Umsatz",
    "Punkte",
    "Newsletter",
    "Bemerkung",
)
_REMARKS: Final = (
    "",
    "",
    "",
    "Stammkunde",
    "zahlt spät; bitte mahnen",
    'nennt sich "der Chef"',
    "ruft mittwochs an\nund freitags",
    "1.000er-Abnehmer",
)
_LAIN: Final = timedelta(hours=1)
# name, encoding; who does not fit into an encoding goes to the next file
FILES: Final = (("members-10.csv", "cp1252"), ("members-11.csv", "utf-8-sig"))


def write_exports(folder: Path, *, seed: int, size: int, anchor: datetime = ANCHOR) -> list[Path]:
    """Write the shop's exports into a folder (made where missing) and say which files.

    The same seed and size give the same bytes, and the same people as the simulated vendors have.
    """
    return export(make(seed, size, anchor), folder)


def export(world: World, folder: Path) -> list[Path]:
    """`write_exports` of a world that stands already."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = world.draw("shop", "exports")
    lines: dict[str, list[str]] = {name: [_line(COLUMNS)] for name, _ in FILES}
    for number, member in sorted(world.members.items(), key=lambda entry: entry[1]):
        line = _line(_row(world, world.people[number], member, rng))
        first, second = FILES[0][0], FILES[1][0]
        lines[first if _fits(line, FILES[0][1]) and rng.random() < 0.55 else second].append(line)
    for name, rows in lines.items():
        _break(rows, rng, cut=name == FILES[-1][0])
    written = []
    for name, encoding in FILES:
        path = folder / name
        path.write_bytes("".join(lines[name]).encode(encoding))
        long_ago = time.time() - _LAIN.total_seconds()
        os.utime(path, (long_ago, long_ago))
        written.append(path)
    return written


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _line(cells: Sequence[str]) -> str:
    return ";".join(_cell(cell) for cell in cells) + "\r\n"


def _cell(text: str) -> str:
    if any(mark in text for mark in ';"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _row(world: World, person: Person, member: int, rng: Random) -> Sequence[str]:
    given, family = _names(person, rng)
    firm = None if person.company is None else world.companies[person.company]
    born = f"{person.born:%d.%m.%Y}" if rng.random() < 0.5 else ""
    since = world.anchor - timedelta(days=rng.randrange(30, 2000))
    turnover = rng.choice((0.0, 19.9, 1234.5, 99.0, 12999.99))
    culture = person.culture
    city, postal_code, _ = rng.choice(culture.cities)
    return (
        str(member),
        given,
        family,
        _mail(person, rng),
        _phone(person, rng),
        rng.choice(firm.spellings()) if firm and rng.random() < 0.5 else "",
        f"{rng.choice(culture.streets)} {rng.randrange(1, 150)}",
        postal_code,
        city[0] if rng.random() < 0.8 else city[1],
        culture.country if rng.random() < 0.7 else "",
        born,
        f"{since:%d.%m.%Y}",
        _german(turnover),
        str(rng.randrange(0, 5000)),
        rng.choice(("ja", "ja", "nein", "nein", "")),
        rng.choice(_REMARKS),
    )


def _names(person: Person, rng: Random) -> tuple[str, str]:
    native = rng.random() < 0.6 or person.number == MARA
    given = person.given[0 if native else 1]
    family = person.family[0 if native else 1] if person.family else ""
    chance = 1.0 if person.number == MARA else rng.random()
    if chance < 0.05:
        return typo(rng, given), family
    if chance < 0.10:
        return given, typo(rng, family)
    if chance < 0.13:
        return given.upper(), family.upper()
    return given, family


def _mail(person: Person, rng: Random) -> str:
    if person.number == MARA:
        return str(person.work_email)
    chance = rng.random()
    if chance < 0.07:
        return ""
    if person.former_email and chance < 0.6:
        return person.former_email  # moved on since
    if person.work_email and chance < 0.45:
        return person.work_email.upper() if chance < 0.1 else person.work_email
    return person.private_email


def _phone(person: Person, rng: Random) -> str:
    chance = 0.5 if person.number == MARA else rng.random()
    if chance < 0.3:
        return ""
    if chance < 0.31:
        return rng.choice(("keine", "0", "123", "siehe Firma"))
    return as_written(person.phone, rng)


def _german(amount: float) -> str:
    """1234.5 as `1.234,50`."""
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def _break(rows: list[str], rng: Random, *, cut: bool) -> None:
    """Break a few rows as exports do: a cell too many here and there; the last of a file that was cut off."""
    for nth in _some(rows, rng):
        rows[nth] = rows[nth].rstrip("\r\n") + ";;noch etwas\r\n"
    if cut and len(rows) > 3:
        number = rows[-1].split(";", 1)[0]
        rows[-1] = f'{number};Ka;"Abgeschn'


def _some(rows: list[str], rng: Random) -> Iterator[int]:
    for _ in range(min(2, (len(rows) - 2) // 10)):
        yield rng.randrange(1, len(rows) - 1)

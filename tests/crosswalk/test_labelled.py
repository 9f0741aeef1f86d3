import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench import worlds
from crosswalk.labelled import evaluated, read_records, tabled
from crosswalk.problems import ProblemsError
from mapping.match.columns import columns, recognised
from mapping.match.model import shipped
from tests.mapping.match.test_columns import profile_of

PEOPLE = [
    ("rid", "source", "First Name", "Last Name", "E-Mail", "DOB"),
    ("1", "crm", "Mara", "Lindqvist", "mara@nordlicht.test", "1985-03-04"),
    ("2", "shop", "M.", "Lindqvist", "Mara+news@nordlicht.test", "04/03/1985"),
    ("3", "crm", "Rahim", "Uddin", "rahim@padma.test", ""),
]
TRUTH = [("rid", "cluster"), ("1", "a"), ("2", "a"), ("3", "b")]


def written(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def judged(folder: Path, records: Sequence[Sequence[str]], truth: Sequence[Sequence[str]], **told: Any) -> Any:
    return evaluated(written(folder / "records.csv", records), written(folder / "truth.csv", truth), **told)


def test_records_are_matched_and_judged_without_a_mapping(tmp_path: Path) -> None:
    answer = judged(tmp_path, PEOPLE, TRUTH)

    assert answer["kind"] == "person"
    assert answer["columns"] == {
        "First Name": "name.given",
        "Last Name": "name.family",
        "E-Mail": "emails",
        "DOB": "birth_date",
    }
    assert answer["pairs"] == {"found": 1, "true": 1, "right": 1, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert answer["largest"] == answer["largest_true"] == 2
    assert next(rule for rule in answer["rules"] if rule["rule"] == "email")["joined"] == 1


@pytest.mark.parametrize("kind", ["person", "company"])
def test_joins_of_a_made_world_are_right(tmp_path: Path, kind: str) -> None:
    records, truth = worlds.write(tmp_path, kind, 3000, seed=5)

    answer = evaluated(records, truth)

    assert answer["kind"] == kind
    assert answer["pairs"]["precision"] >= 0.98
    assert answer["pairs"]["recall"] >= 0.75
    assert answer["largest"] <= 2 * answer["largest_true"]
    assert answer["review"]["right"] > 0


def test_pairs_that_are_wrong_are_written_with_their_records(tmp_path: Path) -> None:
    """Two of one mailbox and name whom the truth tells apart, and two who share nothing."""
    records = [
        *PEOPLE,
        ("4", "crm", "Ana", "Costa", "ana@rio.test", ""),
        ("5", "shop", "Ana", "Costa", "ana@rio.test", ""),
        ("6", "shop", "Inga", "Berg", "inga@fjord.test", ""),
    ]
    truth = [*TRUTH, ("4", "c"), ("5", "d"), ("6", "b")]
    wrong = tmp_path / "wrong.csv"

    answer = judged(tmp_path, records, truth, wrong=wrong)

    with wrong.open(newline="", encoding="utf-8") as file:
        heads, *rows = csv.reader(file)
    assert answer["wrong"] == {"file": str(wrong), "pairs": 2}
    assert heads == ["pair", "wrong", "bits", *PEOPLE[0]]
    assert [(row[0], row[1], tuple(row[3:])) for row in rows] == [
        ("1", "joined", records[4]),
        ("1", "joined", records[5]),
        ("2", "missed", records[3]),
        ("2", "missed", records[6]),
    ]
    assert float(rows[0][2]) > 5
    assert rows[2][2] == ""


def test_as_many_pairs_are_written_as_are_wrong(tmp_path: Path) -> None:
    records, truth = worlds.write(tmp_path, "person", 2000, seed=6)

    answer = evaluated(records, truth, wrong=tmp_path / "wrong.csv")

    pairs = answer["pairs"]
    assert answer["wrong"]["pairs"] == pairs["found"] + pairs["true"] - 2 * pairs["right"]
    with (tmp_path / "wrong.csv").open(newline="", encoding="utf-8") as file:
        said = [row["wrong"] for row in csv.DictReader(file)]
    assert said.count("for review") == 2 * answer["review"]["right"]
    assert said.count("joined") == 2 * (pairs["found"] - pairs["right"])


def test_a_mapping_tells_what_names_of_columns_do_not(tmp_path: Path) -> None:
    mapping = tmp_path / "columns.yaml"
    mapping.write_text("columns:\n  xx: name.given\n  yy: name.family\n  E-Mail: emails\n  DOB: ignore\n")
    records = [("rid", "source", "xx", "yy", "E-Mail", "DOB"), *PEOPLE[1:]]

    answer = judged(tmp_path, records, TRUTH, mapping=mapping)

    assert answer["columns"] == {"xx": "name.given", "yy": "name.family", "E-Mail": "emails"}
    assert answer["ignored"] == ["DOB"]


def test_a_system_s_own_numbering_identifies_nobody(tmp_path: Path) -> None:
    records = [(*row, number) for row, number in zip(PEOPLE, ("customer_id", "7", "8", "9"), strict=True)]

    answer = judged(tmp_path, records, TRUTH)

    assert answer["ignored"] == ["customer_id"]
    assert answer["pairs"]["f1"] == 1.0


def test_ids_that_each_system_counts_for_itself_identify_nobody_either(tmp_path: Path) -> None:
    given, family = ("Mara", "Tom", "Olga", "Wei", "Noah"), ("Lind", "Berg", "Varaton", "Kest", "Hold", "Mond")
    people = [(first, last) for first in given for last in family]
    records = [("rid", "source", "First Name", "Last Name", "DOB", "customer_id")]
    for system, order in (("crm", people), ("shop", people[::-1])):
        for number, (first, last) in enumerate(order):
            rid = f"{system}{number}"
            born = f"19{60 + given.index(first)}-0{1 + family.index(last)}-11"
            records.append((rid, system, first, last, born, str(number)))
    truth = [("rid", "cluster"), *((row[0], f"{row[2]} {row[3]}") for row in records[1:])]

    answer = judged(tmp_path, records, truth)

    assert answer["ignored"] == ["customer_id"]
    assert answer["pairs"]["precision"] == 1.0


def test_an_unnamed_column_of_addresses_is_used_and_one_of_answers_is_not(tmp_path: Path) -> None:
    heads = {"E-Mail": "login"}
    records = [(*(heads.get(cell, cell) for cell in PEOPLE[0]), "email"), *((*row, "yes") for row in PEOPLE[1:])]

    answer = judged(tmp_path, records, TRUTH)

    assert answer["columns"]["login"] == "emails"
    assert answer["ignored"] == ["email"]
    assert answer["pairs"]["f1"] == 1.0


def test_a_column_of_customers_holds_their_names_where_no_other_does(tmp_path: Path) -> None:
    alone = [(*row[:2], customer, *row[4:]) for row, customer in zip(
        PEOPLE, ("customer", "Mara Lindqvist", "M. Lindqvist", "Rahim Uddin"), strict=True
    )]  # fmt: skip
    beside = [(*row, row[2] if at else "customer") for at, row in enumerate(PEOPLE)]

    assert judged(tmp_path, alone, TRUTH)["columns"]["customer"] == "name"
    assert judged(tmp_path, beside, TRUTH)["ignored"] == ["customer"]


def test_an_author_beside_a_university_is_a_person(tmp_path: Path) -> None:
    authors = [(*row[:2], author, firm) for row, author, firm in zip(
        PEOPLE, ("author", "Lindqvist, M.", "M. Lindqvist", "Rahim Uddin"),
        ("affiliation", "University of Lund", "Lund University", "Padma Ltd"), strict=True
    )]  # fmt: skip
    firms = [(*row[:2], row[3], row[3] if at else "author") for at, row in enumerate(authors)]

    people = judged(tmp_path, authors, TRUTH)

    assert (people["kind"], people["columns"]["author"]) == ("person", "name")
    assert judged(tmp_path, firms, TRUTH)["ignored"] == ["author"]


def test_the_more_companies_two_lists_have_once_each_the_more_a_list_tells_by_keeping_two_apart(tmp_path: Path) -> None:
    random = Random(7)
    names = sorted({worlds.firm_name(random) for _ in range(80)})
    records = [("rid", "source", "name", "addr", "city", "phone")]
    truth = [("rid", "cluster")]
    for number, name in enumerate(names):
        street, town, _ = worlds.address(random)
        for source in ("guide", "paper"):
            records.append((f"{source}{number}", source, name, street, town, f"404-555-{1000 + number}"))
            truth.append((f"{source}{number}", str(number)))

    bits = [
        judged(tmp_path, records[: 1 + 2 * count], truth[: 1 + 2 * count])["same_system_bits"] for count in (4, 20, 60)
    ]

    assert shipped("company").same_system > bits[0] > bits[1] > bits[2] > -5


def test_who_keeps_many_companies_is_not_who_the_records_are_about(tmp_path: Path) -> None:
    companies = [("rid", "source", "company", "user")]
    companies += [(f"r{at}", "crm", f"Lind {at} Works Ltd", f"Mara {chr(97 + at % 26)}lind") for at in range(260)]

    kept = judged(tmp_path, companies, [("rid", "cluster"), *((f"r{at}", f"c{at}") for at in range(260))])

    assert (kept["kind"], kept["ignored"]) == ("company", ["user"])


def test_cells_of_many_records_are_read_as_those_of_one(tmp_path: Path) -> None:
    records, _ = worlds.write(tmp_path, "person", 400, seed=8)
    read = read_records(records)
    told, _ = tabled(read, mapping=None, kind="person", file=records)

    fields = recognised(read.headings)
    plan = columns("person", fields, headings=read.headings)
    for at in range(len(told)):
        row = [cells[at].strip() for cells in read.cells]
        assert told.profile(at) == profile_of(plan, row)


def test_people_with_their_companies_in_front_are_people(tmp_path: Path) -> None:
    firms = ("Padma Textiles Ltd.", "Nordlicht Solar GmbH", "Padma Textiles Ltd.")
    records = [("rid", "source", "Company", "Name", "E-Mail")]
    records += [
        (row[0], row[1], firm, f"{row[2]} {row[3]}", row[4]) for row, firm in zip(PEOPLE[1:], firms, strict=True)
    ]

    assert judged(tmp_path, records, TRUTH)["kind"] == "person"


def test_other_separators_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    records, truth = tmp_path / "records.csv", written(tmp_path / "truth.csv", TRUTH)
    records.write_text("\n".join(";".join(row) for row in PEOPLE), encoding="utf-8-sig")

    assert evaluated(records, truth)["pairs"]["f1"] == 1.0


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_what_a_spreadsheet_saves_is_read_and_told_where_its_letters_are_guessed(tmp_path: Path, encoding: str) -> None:
    records, truth = tmp_path / "records.csv", tmp_path / "truth.csv"
    rows = [(*row[:3], row[3].replace("Lindqvist", "Åberg, Zoë"), *row[4:]) for row in PEOPLE]
    records.write_text("\n".join("\t".join(row) for row in rows), encoding=encoding)
    truth.write_text("\n".join(";".join(row) for row in TRUTH), encoding="utf-8")
    told: list[str] = []

    answer = evaluated(records, truth, progress=told.append)

    assert answer["pairs"]["f1"] == 1.0
    assert ("records.csv is no UTF-8: read as Windows-1252" in told) is (encoding == "cp1252")


def test_the_separator_is_the_one_that_sets_the_key_apart(tmp_path: Path) -> None:
    records, truth = tmp_path / "records.csv", written(tmp_path / "truth.csv", TRUTH)
    heading = "rid;source;First Name;Last Name;E-Mail;DOB, as far as known, of birth"
    rows = [heading, *(";".join(row) for row in PEOPLE[1:])]
    records.write_text("\n".join(rows), encoding="utf-8")

    assert evaluated(records, truth)["pairs"]["f1"] == 1.0


def test_blanks_around_a_key_are_no_part_of_it_and_zeros_are(tmp_path: Path) -> None:
    told = [PEOPLE[0], *((f" 00{row[0]} ", *row[1:]) for row in PEOPLE[1:])]

    assert judged(tmp_path, told, [TRUTH[0], *((f"00{key}", name) for key, name in TRUTH[1:])])["labelled"] == 3
    with pytest.raises(ProblemsError, match="none of its 3 rids"):
        judged(tmp_path, told, TRUTH)


def test_a_truth_of_more_records_than_there_are_is_used_and_told(tmp_path: Path) -> None:
    said: list[str] = []

    answer = judged(tmp_path, PEOPLE, [*TRUTH, ("99", "z"), ("098", "z")], progress=said.append)

    assert answer["truth_without_record"] == 2
    assert "truth.csv: 2 of its rids stand in no row of records.csv; they are left out" in said


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    told = [(*row, "x" * 200_000 if at else "notes") for at, row in enumerate(PEOPLE)]

    assert judged(tmp_path, told, TRUTH)["ignored"] == ["notes"]


@pytest.mark.parametrize(
    ("records", "truth", "places"),
    [
        pytest.param(
            [("id", "name"), ("1", "Mara")], TRUTH, [("no column 'rid'; there are: id, name", 1, None)], id="no-rid"
        ),
        pytest.param(
            [("rid", "name"), ("1", "Mara"), ("1", "Mara"), ("", "Rahim"), ("2", "Rahim", "x")],
            TRUTH,
            [("rid '1' stands in line 2 too", 3, 1), ("rid is empty", 4, 1), ("3 cells; the first line has 2", 5, 2)],
            id="all-faults-at-once",
        ),
        pytest.param(
            [("rid", "name", "Name"), ("1", "Mara\nLind", ""), ("1", "Mara", "")],
            TRUTH,
            [("the column 'Name' stands twice", 1, 3), ("rid '1' stands in line 3 too", 4, 1)],
            id="headings-and-rows-at-once",
        ),
        pytest.param([("rid", "name")], TRUTH, [("there are no records", 1, None)], id="empty"),
        pytest.param(
            [("rid", "blood"), ("1", "A")], TRUTH, [("no column is known: rid, blood", 1, None)], id="no-known-column"
        ),
        pytest.param(
            PEOPLE, [("rid", "cluster"), ("1", "a"), ("1", "b"), ("2", "")],
            [("rid '1' stands here twice", 3, 1), ("cluster is empty", 4, 2)], id="truth",
        ),
        pytest.param(PEOPLE, [("rid", "group"), ("1", "a")], [("no column 'cluster'; there are: rid, group", 1, None)],
                     id="no-cluster"),
        pytest.param(PEOPLE, [("rid", "cluster"), ("9", "a")],
                     [("none of its 1 rids stands in records.csv", 1, None)], id="another-file"),
    ],
)  # fmt: skip
def test_faults_of_a_file_are_told_with_line_and_column(
    tmp_path: Path, records: Any, truth: Any, places: list[tuple[str, int, int | None]]
) -> None:
    with pytest.raises(ProblemsError) as caught:
        judged(tmp_path, records, truth)

    assert [(one.text, one.line, one.column) for one in caught.value.problems] == places


def test_what_cannot_be_read_or_is_not_there_is_told(tmp_path: Path) -> None:
    truth, broken = written(tmp_path / "truth.csv", TRUTH), tmp_path / "broken.csv"
    broken.write_bytes(b"rid,name\n1,M\x81ra\n")  # of no letter in Windows-1252 either

    for file, words in ((broken, "neither UTF-8 nor"), (tmp_path / "none.csv", "cannot be read")):
        with pytest.raises(ProblemsError, match=words):
            evaluated(file, truth)


def test_what_is_no_csv_is_told_beside_what_else_is_wrong(tmp_path: Path) -> None:
    truth, broken = written(tmp_path / "truth.csv", TRUTH), tmp_path / "broken.csv"
    broken.write_text('rid,name\n1,Mara\n1,Tom\n2,"Lind\n')

    with pytest.raises(ProblemsError) as caught:
        evaluated(broken, truth)

    assert [(one.text, one.line) for one in caught.value.problems] == [
        ("rid '1' stands in line 2 too", 3),
        ("no CSV: unexpected end of data", 4),
    ]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("columns: {blood: name}", "there is no column 'blood'"),
        ("columns: {DOB: bloodtype}", "'DOB' is 'bloodtype'"),
        ("[", "no YAML"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_told(tmp_path: Path, told: str, words: str) -> None:
    mapping = tmp_path / "columns.yaml"
    mapping.write_text(told)

    with pytest.raises(ProblemsError, match=words):
        judged(tmp_path, PEOPLE, TRUTH, mapping=mapping)


def test_a_model_of_ones_own_decides(tmp_path: Path) -> None:
    from importlib.resources import files

    base, text = shipped("person"), files("mapping.match.models").joinpath("person.yaml").read_text(encoding="utf-8")
    strict = tmp_path / "model.yaml"
    strict.write_text(text.replace(f"{{same: {base.same},", "{same: 99.0,"), encoding="utf-8")

    answer = judged(tmp_path, PEOPLE, TRUTH, model=strict)

    assert answer["model"]["same"] == 99.0
    assert answer["pairs"]["found"] == 0
    assert answer["review"]["pairs"] == 1

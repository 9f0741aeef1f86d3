"""Telephone numbers, and that the fast way gives what the library gives."""

from random import Random

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from mapping.normalise import Misfit, phone

TYPES = range(PhoneNumberType.FIXED_LINE, PhoneNumberType.VOICEMAIL + 1)
# Of each kind: one country to a code and many, leading zeros that count, trunk prefixes that are rewritten.
MANY = """
    DE AT CH GB FR IT ES SE NL PL US JM MX BR AR AU IN BD JP CN KR AE SA EG NG ZA TR RU KZ IL VN CI SM VA GG SJ HU BY
""".strip()


@pytest.mark.parametrize(
    ("raw", "region", "told"),
    [
        ("+49 30 12345678", None, ("+493012345678", None)),
        ("+4930/12345678", None, ("+493012345678", None)),
        ("+49 (0)30 12345678", None, ("+493012345678", None)),
        ("0049 30 12345678", "DE", ("+493012345678", None)),
        ("030 / 1234-5678", "DE", ("+493012345678", None)),
        ("030 12345678", "AT", None),
        ("+1 (202) 555-0123", None, ("+12025550123", None)),
        ("202.555.0123 ext. 7", "US", ("+12025550123", "7")),
        ("tel:+1-202-555-0123;ext=007", None, ("+12025550123", "007")),
        ("+1 800 FLOWERS", None, ("+18003569377", None)),
        ("+39 06 1234567", None, ("+39061234567", None)),
        ("+8801712345678", None, ("+8801712345678", None)),
        ("০১৭১২-৩৪৫৬৭৮", "BD", ("+8801712345678", None)),
        ("٠١٢٣٤٥٦٧٨٩٠", "EG", ("+201234567890", None)),
        ("＋８１　９０－１２３４－５６７８", None, ("+819012345678", None)),
        ("\u202a+49 30 12345678\u202c", None, ("+493012345678", None)),
        (493012345678, "DE", ("+493012345678", None)),
        ("+1 202 555 01234567", None, None),
        ("+999 123456", None, None),
        ("12", "DE", None),
        ("none", "DE", None),
        ("+49 30 12345678 or +49 30 87654321", None, None),
        (True, "DE", None),
        (["+493012345678"], "DE", None),
    ],
    ids=lambda one: ascii(one)[:24],
)
def test_numbers(raw: object, region: str | None, told: tuple[str, str | None] | None) -> None:
    if told is None:
        with pytest.raises(Misfit):
            phone.normalise(raw, region=region)
    else:
        assert phone.normalise(raw, region=region) == told


def test_a_number_without_country_code_asks_for_a_region() -> None:
    with pytest.raises(Misfit, match="country code"):
        phone.normalise("030 12345678")
    with pytest.raises(Misfit, match="country code"):
        phone.normalise(3012345678)


def test_an_extension_is_read_back() -> None:
    told = phone.text("+12025550123", "007")

    assert phone.normalise(told) == ("+12025550123", "007")
    assert phone.text("+12025550123") == "+12025550123"


def library(raw: str, region: str | None = None) -> tuple[str, str | None] | None:
    try:
        parsed = phonenumbers.parse(raw, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164), parsed.extension or None


def examples_of(region: str) -> list[str]:
    """Google's own national numbers, one of each type that the region has."""
    return [
        str(phonenumbers.national_significant_number(example))
        for kind in TYPES
        if (example := phonenumbers.example_number_for_type(region, kind)) is not None
    ]


def around(examples: list[str], random: Random, count: int) -> list[str]:
    """Numbers like the examples: some digits changed, one more, one less; and some that are anything."""
    made = []
    for _ in range(count):
        digits = list(random.choice(examples))
        for _ in range(random.randrange(5)):
            digits[random.randrange(len(digits))] = random.choice("0123456789")
        if random.random() < 0.1:
            digits.insert(random.randrange(len(digits)), random.choice("0123456789"))
        if random.random() < 0.1 and len(digits) > 4:
            digits.pop()
        made.append("".join(digits))
    return made + ["".join(random.choices("0123456789", k=random.randrange(4, 14))) for _ in range(count // 4)]


def spelled(digits: str, random: Random, before: str = "+") -> str:
    """With the signs that people write between digits, never at the end."""
    out = [before]
    for at, digit in enumerate(digits):
        out.append(digit)
        if 0 < at < len(digits) - 1 and random.random() < 0.2:
            out.append(random.choice([" ", "-", ".", " (", ") ", "\u00a0", " - ", "/"]))
    return "".join(out)


def held_against_the_library(raw: str, region: str | None = None) -> tuple[bool, bool]:
    """Is it a number, and was it read the fast way?"""
    expected = library(raw, region)
    quick = phone._fast(raw, region) if phone._CLEAN.fullmatch(raw) else None
    if quick is not None:
        assert (quick, None) == expected, raw
    if expected is None:
        with pytest.raises(Misfit):
            phone.normalise(raw, region=region)
    else:
        assert phone.normalise(raw, region=region) == expected, raw
    return expected is not None, quick is not None


@pytest.mark.parametrize("region", MANY.split())
def test_the_fast_way_gives_what_the_library_gives(region: str) -> None:
    random = Random(region)
    code = str(phonenumbers.country_code_for_region(region))

    told = [
        held_against_the_library(spelled(code + national, random))
        for national in around(examples_of(region), random, 160)
    ]
    valid, fast = (sum(some) for some in zip(*told, strict=True))

    assert valid > 20
    # Where the trunk prefix may begin a national number too (8 in Russia) the library is asked more often.
    assert fast / valid > (0.5 if code in ("7", "375") else 0.9)


@pytest.mark.parametrize("region", MANY.split())
def test_blanks_between_digits_change_no_answer(region: str) -> None:
    """The second time a number that begins alike is read without a look at its signs."""
    random = Random(region)
    code = str(phonenumbers.country_code_for_region(region))

    for national in around(examples_of(region), random, 80):
        for written in (f"+{code}{national}", f"+{code} {national}", f"+{code} {national[:2]}  {national[2:]}"):
            others = [written, written + " ", "+ " + written[1:], written.replace(" ", "\t"), written[:-1] + "\u0664"]
            for raw in (*others, written + "\n", written[:3] + " " + written[3:], written + " 5"):
                held_against_the_library(raw)


def test_no_pattern_takes_digits_of_other_scripts() -> None:
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        home = phone._begun(str(code))
        region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code][0]
        for national in examples_of(region) if home is not None else ():
            assert home is not None
            assert home.usual.fullmatch(national[:-1] + "\u0664") is None


def at_home(region: str, national: str, random: Random) -> str:
    """A number as it is written in its region: with a trunk prefix or without, as from abroad, or with both."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    code, trunk = str(metadata.country_code), metadata.national_prefix or "0"
    way = random.randrange(8)
    if way == 0:
        return spelled(national, random, "")
    if way == 1:
        return spelled(code + national, random, random.choice(["", "00", "011", "("]))
    if way == 2:
        return f"+{code} ({trunk}){spelled(national, random, '')}"
    if way == 3:
        return f"{random.choice(['00', '011', metadata.international_prefix or '00'])}{code}{trunk}{national}"
    if way == 4:
        return f"({trunk}{national[:2]}) {spelled(national[2:], random, '')}"
    return spelled(trunk + national, random, random.choice(["", "", "", "(", "0"]))


@pytest.mark.parametrize("region", MANY.split())
def test_the_fast_way_gives_what_the_library_gives_at_home(region: str) -> None:
    random = Random(f"home of {region}")

    written = [at_home(region, national, random) for national in around(examples_of(region), random, 250)]
    valid, fast = (sum(some) for some in zip(*(held_against_the_library(raw, region) for raw in written), strict=True))

    assert valid > 20
    assert fast > valid * 0.3


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("030 12345678", "DE"), ("030/12345678", "DE"), ("(030) 1234-5678", "DE"), ("0171 1234567", "de"),
        ("+49 (0)30 12345678", None), ("0049 30 12345678", "DE"), ("0049 (0)30 12345678", "DE"),
        ("(202) 555-0123", "US"), ("011 49 30 12345678", "US"), ("01712-345678", "BD"), ("06 1234567", "IT"),
        ("020 7946 0958", "GB"), ("02 12 34 56 78", "FR"), ("+44 (0)20 7946 0958", "DE"),
    ],
)  # fmt: skip
def test_what_people_write_goes_the_fast_way(raw: str, region: str | None) -> None:
    assert phone._CLEAN.fullmatch(raw)
    assert phone._fast(raw, region) is not None


def test_every_calling_code_has_a_pattern_that_takes_its_examples() -> None:
    taken = asked = 0
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            example = (
                phonenumbers.example_number_for_non_geo_entity(code)
                if region == "001"
                else phonenumbers.example_number(region)
            )
            if example is None:
                continue
            raw = phonenumbers.format_number(example, PhoneNumberFormat.E164)
            assert phone.normalise(raw) == (raw, None)
            asked += 1
            taken += phone._fast(raw, None) is not None

    assert asked > 240
    assert taken / asked > 0.97

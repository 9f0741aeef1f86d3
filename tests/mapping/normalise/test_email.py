"""E-mail addresses: what is one, and in which form."""

import pytest

from mapping.normalise import Misfit, email


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("mara@nordwerk.test", "mara@nordwerk.test"),
        (" Mara.Lind@Nordwerk.TEST\n", "mara.lind@nordwerk.test"),
        ("mara+news@nordwerk.test", "mara+news@nordwerk.test"),
        ("o'brien@nordwerk.test", "o'brien@nordwerk.test"),
        ("mailto:Mara@nordwerk.test?subject=hi", "mara@nordwerk.test"),
        ("MAILTO:mara%2Bnews@nordwerk.test", "mara+news@nordwerk.test"),
        ("Mara Lind <mara@nordwerk.test>", "mara@nordwerk.test"),
        ('"Lind, Mara" <mailto:mara@nordwerk.test>', "mara@nordwerk.test"),
        ("<mara@nordwerk.test>", "mara@nordwerk.test"),
        ("mara@nordwerk.test;", "mara@nordwerk.test"),
        ("mara@nordwerk.test.", "mara@nordwerk.test"),
        ('"mara.lind"@nordwerk.test', "mara.lind@nordwerk.test"),
        ('"Mara Lind"@nordwerk.test', '"mara lind"@nordwerk.test'),
        (r'"a\"b"@nordwerk.test', r'"a\"b"@nordwerk.test'),
        ("mara@müller.test", "mara@xn--mller-kva.test"),
        ("mara@MÜLLER.test", "mara@xn--mller-kva.test"),
        ("mara@xn--mller-kva.test", "mara@xn--mller-kva.test"),
        ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
        ("নাসরিন@উদাহরণ.test", "নাসরিন@xn--d5b6ci4b4b3a.test"),
        ("سعاد@nordwerk.test", "سعاد@nordwerk.test"),
        ("Jose\u0301@nordwerk.test", "jos\u00e9@nordwerk.test"),
        ("ＭＡＲＡ＠ｎｏｒｄｗｅｒｋ。ｔｅｓｔ", "mara@nordwerk.test"),
        ("\u200emara@nordwerk.test\u200b", "mara@nordwerk.test"),
        ("", None),
        (None, None),
    ],
    ids=ascii,
)
def test_addresses(raw: object, told: str | None) -> None:
    assert email.normalise(raw) == told


@pytest.mark.parametrize(
    "raw",
    [
        "mara",
        "mara@",
        "@nordwerk.test",
        "mara@nordwerk",
        "mara@localhost",
        "mara@192.168.0.1",
        "mara@[192.168.0.1]",
        "mara lind@nordwerk.test",
        "mara @nordwerk.test",
        "mara@nord werk.test",
        "mara@nordwerk.test, ito@nordwerk.test",
        "mara@nordwerk.test ito@nordwerk.test",
        "mara@@nordwerk.test",
        ".mara@nordwerk.test",
        "mara.@nordwerk.test",
        "ma..ra@nordwerk.test",
        "mara@nord..werk.test",
        "mara@-nordwerk.test",
        "mara@nordwerk-.test",
        "mara@nord_werk.test",
        "mara@nordwerk.t",
        "mara@nordwerk.1",
        '"ma"ra"@nordwerk.test',
        '""@nordwerk.test',
        "mara\x00@nordwerk.test",
        "mara\ud800@nordwerk.test",
        "mara\u2028@nordwerk.test",
        "m" * 65 + "@nordwerk.test",
        "mara@" + "n" * 64 + ".test",
        "mara@" + "nord." * 60 + "test",
        "not set",
        12,
        True,
        {"value": "mara@nordwerk.test"},
        ["mara@nordwerk.test"],
    ],
    ids=lambda raw: ascii(raw)[:40],
)
def test_no_addresses(raw: object) -> None:
    with pytest.raises(Misfit, match="e-mail address"):
        email.normalise(raw)


def test_the_longest_address_is_one() -> None:
    longest = "m" * 64 + "@" + ".".join(["n" * 63, "n" * 63, "n" * 56, "test"])

    assert len(longest) == 254
    assert email.normalise(longest) == longest
    with pytest.raises(Misfit):
        email.normalise(longest.replace(".test", "x.test"))

"""Names of companies without what says only in which form of law they live."""

import pytest

from mapping.normalise import company


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("Nordwerk GmbH", "nordwerk"),
        ("NORDWERK", "nordwerk"),
        ("Nordwerk GmbH & Co. KG", "nordwerk"),
        ("Nordwerk G.m.b.H.", "nordwerk"),
        ("Müller & Söhne AG", "muller sohne"),
        ("Acme, Inc.", "acme"),
        ("Acme Holdings Ltd.", "acme holdings"),
        ("Acme Pvt. Ltd.", "acme"),
        ("Acme S.A. de C.V.", "acme"),
        ("Acme sp. z o.o.", "acme"),
        ("Acme s.r.o.", "acme"),
        ("Société Générale S.A.", "societe generale"),
        ("株式会社トヨタ", "トヨタ"),
        ("トヨタ株式会社", "トヨタ"),
        ("ООО «Ромашка»", "ромашка"),
        ("শাপলা লিমিটেড", "শাপলা"),
        ("شركة النور ذ.م.م", "النور"),
        ("주식회사 한빛", "한빛"),
        ("(주)한빛", "한빛"),
        ("PT Nusantara Tbk", "nusantara"),
        ("Αττικά Κεραμικά Α.Ε.", "αττικα κεραμικα"),
        ("利泰電子有限責任公司", "利泰電子"),
        ("Jansen V.O.F.", "jansen"),
        ("Jansen B.V.B.A.", "jansen"),
        ("Lind in care of c/o", "lind in care of c o"),
    ],
)
def test_the_core_of_a_name(name: str, core: str) -> None:
    assert company.core(name) == core


@pytest.mark.parametrize("name", ["AG", "S.A.", "Co", "株式会社", "The Limited"])
def test_a_name_that_is_all_form_stays(name: str) -> None:
    assert company.core(name)


def test_a_name_without_end_is_cut_before_it_is_read() -> None:
    assert company.core("gmbh " * 20_000) == "gmbh"
    assert len(company.core("x" * 100_000)) <= 300


@pytest.mark.parametrize("name", ["Saga", "Aktion", "Costa", "Incognito", "Pluslog", "Senegal", "Agile"])
def test_a_form_is_a_word_of_its_own(name: str) -> None:
    assert company.core(name) == name.lower()

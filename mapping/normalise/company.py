"""Names of companies, for comparing."""

import re
from typing import Final

from mapping.match.keys import fold

# As they read once folded: no points, no case. Short ones are found with a blank behind each letter, too ("v o f").
_FORMS: Final = """
    gmbh|gesellschaft mit beschrankter haftung|gmbh co kg|gmbh co kgaa|gmbh co ohg|gmbh u co kg|gmbh und co kg|ag|
    aktiengesellschaft|ag co kg|kg|kgaa|ohg|gbr|ges b r|gesbr|ug|ug haftungsbeschrankt|ek|e kfm|e kfr|ev|eg|se|se co kg|
    se co kgaa|mbh|gesmbh|ges m b h|
    ltd|limited|llp|lp|plc|llc|limited liability company|inc|incorporated|corp|corporation|co|company|co ltd|co limited|
    co inc|pvt ltd|private limited|pvt|pty ltd|pty limited|pty|pte ltd|pte|sdn bhd|bhd|dba|pllc|pc|cic|
    sa|sas|sasu|sarl|eurl|sci|snc|scop|gie|
    spa|srl|srls|sapa|
    sl|slu|sau|sc|scp|sa de cv|s a de c v|sapi de cv|s de rl|s de r l|s de rl de cv|s de r l de c v|
    ltda|lda|eireli|s a s de c v|eirl|
    bv|nv|vof|bvba|cvba|srl bv|
    ab|aktiebolag|as|asa|aps|i s|k s|oy|oyj|oy ab|ky|hf|ehf|
    sp z o o|sp z oo|spzoo|sp zoo|
    spolka z o o|społka z o o|społka akcyjna|sp j|sp k|spolka akcyjna|sro|spol s r o|kft|zrt|nyrt|bt|doo|dd|ood|eood|
    ad|ead|
    uab|sia|ou|as ou|
    ооо|оао|зао|пао|ао|тов|ooo|oao|zao|pao|jsc|cjsc|ojsc|pjsc|joint stock company|
    αε|επε|ικε|οε|εε|
    anonim sirketi|a s ti|limited sirketi|ltd sti|sti|san tic ltd sti|
    kk|yk|gk|kabushiki kaisha|yugen kaisha|godo kaisha|株式会社|有限会社|合同会社|株|有|有限公司|股份有限公司|
    有限责任公司|有限責任公司|集团有限公司|
    주식회사|유한회사|주|
    লিমিটেড|প্রাইভেট লিমিটেড|লি|प्राइवेट लिमिटेड|लिमिटेड|
    شركة|ذ م م|ش م م|م م|fzc|fze|fz llc|w l l|wll|tbk|bhd tbk
"""
_LEADING: Final = """
    ооо|оао|зао|пао|ао|тов|ooo|oao|zao|pao|株式会社|有限会社|合同会社|株|有|주식회사|유한회사|주|شركة|
    pt|cv|ud|cong ty tnhh|cong ty co phan|uab|sia
"""
# Written without a blank between name and form.
_GLUED: Final = (
    "株式会社", "有限会社", "合同会社", "股份有限公司", "有限责任公司", "有限責任公司", "有限公司", "주식회사",
)  # fmt: skip
_SPACED: Final = re.compile(r"(?!co$)[a-zα-ω]{2,4}|[а-я]{2,4}")  # "c o" is whose hands a letter goes to


def _told(forms: str) -> set[str]:
    return {one.strip() for one in forms.replace("\n", "").split("|")} - {""}


def _spaced(forms: set[str]) -> set[str]:
    return forms | {" ".join(one) for one in forms if _SPACED.fullmatch(one)}


def _pattern(forms: set[str], shape: str) -> re.Pattern[str]:
    return re.compile(shape.format("|".join(map(re.escape, sorted(forms, key=lambda one: (-len(one), one))))))


_LONGEST: Final = 300  # letters that are compared

_BEHIND: Final = _pattern(_spaced(_told(_FORMS)), r"(?<=.) (?:{})$")
_AHEAD: Final = _pattern(_told(_LEADING), r"^(?:{}) (?=.)")


def core(name: str) -> str:
    """The name folded (no case, no accents, no signs) and without its legal form; never empty where the name is not.

    For comparing only: "Nordwerk GmbH & Co. KG" and "NORDWERK" are both `nordwerk`.
    """
    told = fold(name[: 4 * _LONGEST])[:_LONGEST].strip()
    while True:
        bare = _BEHIND.sub("", _AHEAD.sub("", told))
        for form in () if bare.isascii() else _GLUED:
            bare = bare.removeprefix(form).removesuffix(form).strip() or bare
        bare = bare.removesuffix(" und").removesuffix(" and").removesuffix(" et").removesuffix(" y").strip()
        if bare == told or not bare:
            return told
        told = bare

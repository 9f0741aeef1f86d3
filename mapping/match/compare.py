"""How two values of a field are alike, as the name of a level. The weights of levels stand in the model file.

Values come as `mapping.match.profile` makes them. Each function answers the level and the words that both sides
share, where the evidence is only as rare as these ("Garcia" of "Garcia Lopez"); with None it is as rare as the
commoner of the two values.
"""

import re
import string
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA, JaroWinkler

from mapping.match.east import heard, is_spelt, unreadable
from mapping.match.latin import foreign, latin, skeleton
from mapping.match.nicknames import familiar
from mapping.match.rules import OF_ONE_SYSTEM
from mapping.normalise.domain import is_relay


class Like(NamedTuple):
    level: str
    shared: tuple[str, ...] | None = None


Compare = Callable[[str, str], Like]

SAME: Final = Like("same")
DIFFERENT: Final = Like("different")
_WRITTEN: Final = Like("transliterated")
_TYPO: Final = Like("typo")
_CLOSE: Final = Like("close")
_INITIAL: Final = Like("initial")
_INITIALS: Final = Like("initials")
_NICKNAME: Final = Like("nickname")
_UNRELATED: Final = Like("unrelated")  # what differs tells nothing
_NEIGHBOUR: Final = Like("neighbour")  # firms and households are given numbers that follow each other
_HAN: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")  # and kana, and hangul
_LETTERS: Final = str.maketrans("", "", "0123456789")
_DIGITS: Final = str.maketrans("", "", string.ascii_lowercase)
_ALIKE_AT_ALL: Final = 0.7  # below it, two words of four letters or more differ by more than one of them
_LONG: Final = 4  # letters from which one wrong letter is a typing mistake and not another name


def given(one: str, other: str) -> Like:
    """Given names: "rahim", "maria jose", "r"."""
    return _name(one, other, nicknames=True)


def family(one: str, other: str) -> Like:
    """Family names: "lindqvist", "garcia lopez", "u"."""
    return _name(one, other, nicknames=False)


def _name(one: str, other: str, *, nicknames: bool) -> Like:
    if one == other:
        return SAME
    ours, theirs = one.split(), other.split()
    if len(ours) == 1 and len(theirs) == 1:
        return _word(one, other, nicknames=nicknames)
    if one.isascii() != other.isascii() and _HAN.search(one + other):
        return _across(one.replace(" ", ""), other.replace(" ", ""))  # "jun na" of 준나
    if nicknames and (_of_initials(one, ours) or _of_initials(other, theirs)) and not _HAN.search(one + other):
        return _initials(ours, theirs)
    shared = tuple(word for word in ours if word in theirs and len(word) > 1)
    if shared:
        rest = [word for word in ours if word not in theirs], [word for word in theirs if word not in ours]
        if rest[0] and rest[1] and not all(_compatible(left, rest[1]) for left in rest[0]):
            # "Anna Maria" and "Anna Sofia" share a word as often by chance as not.
            return Like("part_and_other", shared)
        return Like("part", shared)
    if latin(one).replace(" ", "") == latin(other).replace(" ", ""):
        return Like("typo")  # "Mc Donald", "McDonald"
    found = max(
        (_word(left, right, nicknames=nicknames) for left in ours for right in theirs),
        key=lambda like: _PART_OF.index(like.level),
    )
    if found.level in ("initial", "same"):
        # Letters alone agree. Of "J R" and "John" the first counts, of "Maria J" and "Jose", or "Anna J" and "Lisa J",
        # nothing.
        found = _word(ours[0], theirs[0], nicknames=nicknames)
        return found if found.level == "initial" else Like("part_alike") if found.level in _ALIKE else DIFFERENT
    if found.level in ("different", "unrelated", "close"):
        whole = _word(one, other, nicknames=False)
        return whole if whole.level in ("typo", "close", "transliterated") else found
    return Like("part_alike")


def _of_initials(name: str, words: list[str]) -> bool:
    return len(name) == 2 * len(words) - 1  # letters, and the blanks between them


def _initials(ours: list[str], theirs: list[str]) -> Like:
    """A row of initials beside another one, or beside names: "g a", "gary alan". From the front, as far as both go."""
    if any(latin(left)[:1] != latin(right)[:1] for left, right in zip(ours, theirs, strict=False)):
        return DIFFERENT
    return _INITIALS if min(len(ours), len(theirs)) > 1 else _INITIAL


_ALIKE: Final = ("typo", "nickname", "transliterated")
_PART_OF: Final = ("different", "unrelated", "close", "initial", "part", "typo", "nickname", "transliterated", "same")


def _compatible(word: str, others: list[str]) -> bool:
    return any(_word(word, other, nicknames=True).level not in ("different", "close") for other in others)


def _word(one: str, other: str, *, nicknames: bool) -> Like:
    """Two words that are not equal, mostly."""
    if one == other:
        return SAME
    if not (one.isascii() and other.isascii()):
        return _across(one, other)
    if not (one.isalpha() and other.isalpha()) and one.translate(_DIGITS) != other.translate(_DIGITS):
        return DIFFERENT  # "guest 1", "guest 2": who is told apart by a number is somebody else
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) == 1:
        return _INITIAL if long[0] == short else DIFFERENT
    if nicknames and familiar(one, other):
        return _NICKNAME
    alike = JaroWinkler.similarity(one, other, score_cutoff=_ALIKE_AT_ALL)
    if len(short) >= _LONG:
        if not alike:  # nor is there any other way in which they could be
            return _NICKNAME if nicknames and long.startswith(short) else DIFFERENT
        if OSA.distance(one, other, score_cutoff=1) <= 1:
            return _TYPO
    if alike >= 0.92 and len(short) >= _LONG:
        return _TYPO
    if len(short) == 3 and OSA.distance(one, other, score_cutoff=1) <= 1:
        return _CLOSE
    if skeleton(one) == skeleton(other) and len(short) >= 3 and alike:
        return _CLOSE
    if nicknames and len(short) >= 3 and long.startswith(short):
        return _NICKNAME
    return _CLOSE if alike >= 0.84 else DIFFERENT


def _across(one: str, other: str) -> Like:
    """Words of which one at least is not in Latin letters."""
    left, right = latin(one), latin(other)
    if left == right:
        return _WRITTEN
    if min(len(left), len(right)) == 1 and not (is_spelt(one, right) or is_spelt(other, left)):
        return _INITIAL if left[:1] == right[:1] else DIFFERENT
    if _HAN.search(one) and _HAN.search(other) and (one in other or other in one):
        return Like("part")  # 芳 of 陈芳: systems cut such names at other places, or nowhere
    if _HAN.search(one + other):
        if one.isascii() != other.isascii():
            return _romanised(other, left, right) if one.isascii() else _romanised(one, right, left)
        return _han(left.replace(" ", ""), right.replace(" ", ""))
    bones, others = skeleton(one), skeleton(other)
    if bones == others and len(bones) > 1:
        return _WRITTEN
    if JaroWinkler.similarity(left, right) >= 0.9:
        return _WRITTEN
    return _CLOSE if len(bones) > 2 and OSA.distance(bones, others, score_cutoff=1) <= 1 else DIFFERENT


def _romanised(signs: str, letters: str, read: str) -> Like:
    """A Chinese, Japanese or Korean name beside one in Latin letters; `read`: the signs as they are mostly read."""
    if is_spelt(signs, letters):
        return _WRITTEN
    found = _han(letters, read.replace(" ", ""))
    if found is not DIFFERENT:
        return found
    if unreadable(signs, letters):
        return _UNRELATED
    return _CLOSE if heard(letters) == heard(read) else DIFFERENT


def _han(one: str, other: str) -> Like:
    """Romanised names of which one at least came from Chinese, Japanese or Korean: with their vowels."""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    apart = OSA.distance(one, other, score_cutoff=1)
    if apart <= 1:
        return _WRITTEN if len(short) >= _LONG else _CLOSE
    if len(short) >= 3 and (long.startswith(short) or long.endswith(short)):
        return Like("part")  # Fang of 赵芳, where the whole name stands in one field
    return DIFFERENT


def date(one: str, other: str) -> Like:
    """Days as digits, "19850304"; of a part "1985" or "0304"."""
    if one == other:
        return SAME
    if len(one) == 4 == len(other):
        # A year is told as an age, too, and an age is a year off as often as not; a digit more or less is another year.
        return _CLOSE if one.isdecimal() and other.isdecimal() and abs(int(one) - int(other)) == 1 else DIFFERENT
    if len(one) != len(other) and min(len(one), len(other)) == 4:
        short, long = (one, other) if len(one) == 4 else (other, one)
        return Like("part") if long.startswith(short) or long.endswith(short) else DIFFERENT
    if len(one) == 8 == len(other) and one[:4] == other[:4] and one[4:6] == other[6:] and one[6:] == other[4:6]:
        return _TYPO  # day and month the other way round
    apart = OSA.distance(one, other, score_cutoff=2)
    return _TYPO if apart <= 1 else _CLOSE if apart == 2 else DIFFERENT


def email(one: str, other: str) -> Like:
    """Addresses without tags."""
    if one == other:
        return SAME
    left, _, here = one.rpartition("@")
    right, _, there = other.rpartition("@")
    if left == right:
        if here != there and OSA.distance(here, there, score_cutoff=1) <= 1:
            return _TYPO
        return Like("local", (left,)) if len(left) >= 5 else DIFFERENT
    if is_relay(here) or is_relay(there):
        return _UNRELATED
    if here == there and min(len(left), len(right)) >= 5 and OSA.distance(left, right, score_cutoff=1) <= 1:
        # Another number is another mailbox more often than a mistake.
        return _TYPO if left.translate(_LETTERS) != right.translate(_LETTERS) else DIFFERENT
    return DIFFERENT


def phone(one: str, other: str) -> Like:
    """The last digits of numbers."""
    if one == other:
        return SAME
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    if len(short) >= 7 and long.endswith(short) and "x" not in long:
        return SAME
    if len(one) == len(other) >= 7:
        if one[:-2] == other[:-2]:
            return _NEIGHBOUR
        if OSA.distance(one, other, score_cutoff=1) <= 1:
            return _TYPO
    return DIFFERENT


def identifier(one: str, other: str) -> Like:
    """`namespace:value`. Those of different namespaces say nothing of each other, nor do numbers of two systems."""
    if one == other:
        return SAME
    here, _, left = one.rpartition(":")
    there, _, right = other.rpartition(":")
    if here != there or here in OF_ONE_SYSTEM:
        return _UNRELATED
    if min(len(left), len(right)) >= 6 and OSA.distance(left, right, score_cutoff=1) <= 1:
        return _TYPO
    return DIFFERENT


def is_number(word: str) -> bool:
    """Of a street line: the number of a house, and not "5th", which is the name of a street."""
    return word[0].isdigit() and not word.endswith(("st", "nd", "rd", "th"))


def street(one: str, other: str) -> Like:
    """Street lines, the number among them: "12 rosebery crescent"."""
    if one == other:
        return SAME
    ours, theirs = one.split(), other.split()
    numbers = {word for word in ours if is_number(word)}, {word for word in theirs if is_number(word)}
    left = " ".join(word for word in ours if not is_number(word))
    right = " ".join(word for word in theirs if not is_number(word))
    alike = 1.0 if left == right else JaroWinkler.similarity(left, right) if left and right else 0.0
    if numbers[0] & numbers[1]:
        return _TYPO if alike >= 0.85 else DIFFERENT
    if alike >= 0.93 and (not numbers[0] or not numbers[1] or _near(numbers)):
        return _CLOSE
    return DIFFERENT


def _near(numbers: tuple[set[str], set[str]]) -> bool:
    return any(OSA.distance(one, other, score_cutoff=1) <= 1 for one in numbers[0] for other in numbers[1])


def code(one: str, other: str) -> Like:
    """Postal codes."""
    if one == other:
        return SAME
    if len(one) == len(other) >= 4 and OSA.distance(one, other, score_cutoff=1) <= 1:
        return _TYPO
    if min(len(one), len(other)) >= 5 and (one.startswith(other) or other.startswith(one)):
        return SAME  # 12345-6789
    return DIFFERENT


def words(one: str, other: str) -> Like:
    """A town, a job title."""
    if one == other:
        return SAME
    if foreign(one, other):
        return _WRITTEN if _across(one, other).level == "transliterated" else DIFFERENT
    if OSA.distance(one, other, score_cutoff=1) <= 1 and min(len(one), len(other)) >= _LONG:
        return _TYPO
    return _TYPO if JaroWinkler.similarity(one, other) >= 0.92 else DIFFERENT


def exact(one: str, other: str) -> Like:
    """A country, a kind of body, whether of father or son."""
    return SAME if one == other else DIFFERENT


# By what English names a form of another language or alphabet goes, as the one who writes it likes.
_IN_ENGLISH: Final[Mapping[str, frozenset[str]]] = {
    form: frozenset(told.split())
    for forms, told in {
        "ооо тов επε 有限会社 유한회사": "ltd llc",
        "ао": "jsc inc",
        "зао": "jsc cjsc inc",
        "оао": "jsc ojsc inc",
        "пао": "jsc pjsc plc inc",
        "αε": "sa",
        "ικε": "pc llc ltd",
        "οε εε": "lp",
        "株式会社 有限公司 주식회사": "ltd llc inc",
        "股份有限公司": "ltd inc jsc plc",
        "合同会社": "llc",
        "congtytnhh": "ltd llc",
        "congtycophan": "jsc inc",
    }.items()
    for form in forms.split()
}


def form(one: str, other: str) -> Like:
    """Legal forms. Where one may be the other in English, or is of an alphabet that is not known so well, who knows."""
    if one == other:
        return SAME
    for here, there in ((one, other), (other, one)):
        if (told := _IN_ENGLISH.get(here)) is not None and there.isascii():
            return _UNRELATED if there in told else DIFFERENT
    return _UNRELATED if foreign(one, other) else DIFFERENT


def domain(one: str, other: str) -> Like:
    """Registered domains; acme.de and acme.com are relatives."""
    if one == other:
        return SAME
    left, right = one.partition(".")[0], other.partition(".")[0]
    if left == right:
        return Like("label", (left,))
    if min(len(one), len(other)) >= 8 and OSA.distance(one, other, score_cutoff=1) <= 1:
        return _TYPO
    return DIFFERENT


# By these the companies of one group are told apart.
_MEMBERS: Final = frozenset(
    """
    holding holdings international intl overseas worldwide europe european asia asian pacific africa america americas
    emea apac latam nordic nordics baltics iberia benelux middle us usa uk gb ireland canada mexico brasil brazil
    germany deutschland austria osterreich switzerland schweiz suisse france italia italy espana spain portugal polska
    poland nederland netherlands belgium belgique sweden sverige norge norway danmark denmark suomi finland turkiye
    turkey india bangladesh pakistan china japan korea singapore malaysia indonesia vietnam thailand philippines
    australia zealand russia ukraine egypt nigeria kenya emirates uae saudi israel
    """.split()  # noqa: SIM905 # two hundred quotes more would not help to read it
)

_NUMERALS: Final = frozenset({"i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"})


def company(one: str, other: str) -> Like:
    """Names of companies without their legal forms."""
    if one == other:
        return Like("same", tuple(one.split()))
    if other < one:  # which words are shared is not to depend on which of the two comes first
        one, other = other, one
    if foreign(one, other) or not (one.isascii() and other.isascii()):
        return _company_across(one, other)
    left, right = one.replace(" ", ""), other.replace(" ", "")
    ours, theirs = one.split(), other.split()
    if left == right:
        return Like("same", tuple(ours if len(ours) <= len(theirs) else theirs))
    shared, lone, others = _paired(ours, theirs)
    if not lone and not others:
        return Like("typo" if set(ours) != set(theirs) else "same", shared)
    if shared:
        if any(word.isdecimal() or word in _NUMERALS for word in (*lone, *others)):
            return Like("member", shared)  # "Fund II" and "Fund III", "Store 12" and "Store"
        if not lone or not others:
            return Like("member" if _MEMBERS.intersection(lone or others) else "part", shared)
        return Like("part_and_other", shared)
    if min(len(left), len(right)) >= 5 and JaroWinkler.similarity(left, right) >= 0.93:
        return _TYPO
    if _stands_for(one, theirs) or _stands_for(other, ours):
        return _INITIALS
    return DIFFERENT


def _paired(ours: list[str], theirs: list[str]) -> tuple[tuple[str, ...], list[str], list[str]]:
    """The words that both have, near ones among them; those of each side that are left."""
    shared, lone, rest = [], [], list(theirs)
    for word in ours:
        if word in rest:
            rest.remove(word)
            shared.append(word)
            continue
        near = next((other for other in rest if _slip(word, other)), None)
        if near is None:
            lone.append(word)
        else:
            rest.remove(near)
            shared.append(min(word, near))  # whichever comes first
    return tuple(shared), lone, rest


def _slip(word: str, other: str) -> bool:
    return min(len(word), len(other)) >= 5 and OSA.distance(word, other, score_cutoff=1) <= 1


def _stands_for(short: str, words: list[str]) -> bool:
    return len(words) >= 3 and " " not in short and short == "".join(word[0] for word in words)


def _company_across(one: str, other: str) -> Like:
    left, right = latin(one), latin(other)
    if left == right:
        return _WRITTEN
    bones, others = skeleton(one), skeleton(other)
    if len(bones) >= 4 and bones == others:
        return _WRITTEN
    if len(bones) >= 6 and OSA.distance(bones, others, score_cutoff=1) <= 1:
        return _WRITTEN
    ours, theirs = [skeleton(word) for word in one.split()], [skeleton(word) for word in other.split()]
    if any(len(word) >= 3 and word in theirs for word in ours):
        return _CLOSE
    return DIFFERENT


COMPARISONS: Final[Mapping[str, Compare]] = {
    "given": given,
    "family": family,
    "date": date,
    "email": email,
    "phone": phone,
    "identifier": identifier,
    "street": street,
    "code": code,
    "words": words,
    "exact": exact,
    "form": form,
    "domain": domain,
    "company": company,
}

"""Chinese and Korean names: where one without a blank is cut, and by what letters its sounds go."""

import re
from typing import Final

from mapping.match.keys import fold
from mapping.normalise.name import order

_HAN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]{2,4}")
_SIGN: Final = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]{2,4}")
_OF_TWO: Final = frozenset({"欧阳", "歐陽", "司马", "司馬", "诸葛", "諸葛", "上官", "남궁", "황보", "제갈", "선우"})
_CHINESE: Final = 3  # signs of a Chinese name with a family name of one

_SYLLABLE: Final = (
    "(?!(?:[zcs]h|[dtnlgkhjqxrzcsy])o(?!u|ng)|[gkhr]i)"  # as in Taro and Yuki, and not in Mandarin
    "(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    "(?:i?ang|i?ong|[eiu]ng|uang|iao|uai|[iu]an|[aeiu]n|[aeo]i|i[aeu]|[ao]u|ao|u[aeino]|[aeiou])"
)
PINYIN: Final = re.compile(f"(?:{_SYLLABLE})+")
_KOREAN: Final = re.compile(
    "(?:ch|kk|tt|pp|ss|jj|[gkndtrlmbpsjhyw])?"
    "(?:y?eo|y?ae|ye|ya|yo|yu|wae|wa|wo|we|wi|eu|oe|ui|oo|ee|ou|[aeiou])(?:ng|[nmkglptb])?"
)
# One family name, as it is usually spelt.
_SPELT: Final = (
    "김 gim kim|이 i yi lee rhee ri|박 bak park pak|최 choe choi|정 jeong jung chung|조 jo cho|강 gang kang|"
    "임 im lim rim|윤 yun yoon|신 sin shin|권 gwon kwon|안 an ahn|오 o oh|류 ryu yoo yu lyu|유 yu yoo ryu|"
    "장 jang chang|한 han hahn|서 seo suh|황 hwang|송 song|전 jeon jun chun|홍 hong|고 go ko koh|문 mun moon|"
    "양 yang|손 son sohn|배 bae|백 baek paik|허 heo hur huh|남 nam|심 sim shim|노 no noh roh|하 ha|"
    "곽 gwak kwak|성 seong sung|차 cha|주 ju joo|우 u woo|구 gu koo|민 min|나 na ra|진 jin|지 ji|엄 eom um|"
    "채 chae|원 won|천 cheon chun|방 bang|공 gong kong|현 hyeon hyun|변 byeon byun|함 ham|여 yeo|추 chu choo|"
    "도 do|소 so|석 seok suk|선 seon sun|설 seol sul|마 ma|길 gil kil|연 yeon|위 wi|표 pyo|명 myeong myung|"
    "기 gi ki|반 ban|왕 wang|금 geum keum|옥 ok|육 yuk|인 in|맹 maeng|제 je|모 mo|남궁 namgung|탁 tak"
)
_SPELLINGS: Final = {words[0]: frozenset(words[1:]) for words in map(str.split, _SPELT.split("|"))}
_COMMON: Final = 20  # of these, so that no other word is taken for one
KOREAN_FAMILIES: Final = frozenset(
    spelt for one in list(_SPELLINGS.values())[:_COMMON] for spelt in one if len(spelt) > 1
)


def cut(name: str) -> tuple[str, str]:
    """Family and given name of two to four Chinese or Korean signs; of anything else, and of Japanese, (name, "")."""
    if _HANGUL.fullmatch(name):
        size = 2 if name[:2] in _OF_TWO and len(name) > 2 else 1
    elif _HAN.fullmatch(name):
        size = 2 if name[:2] in _OF_TWO and len(name) > 2 else 1 if len(name) <= _CHINESE else 0
    else:
        return name, ""
    return (name[:size], name[size:]) if size else (name, "")


def is_korean(given: str) -> bool:
    """Two syllables, as most Korean given names have."""
    words = given.split()
    return len(words) == 2 and all(_KOREAN.fullmatch(word) for word in words)


def ordered(full: str) -> str:
    """In which order a full name stands: by its script, or as "Lee Seung Jae" does, family name first."""
    if full.isascii() and full.count(" ") == 2:
        first, _, rest = fold(full).partition(" ")
        if first in KOREAN_FAMILIES and is_korean(rest) and rest.partition(" ")[2] not in KOREAN_FAMILIES:
            return "family_first"
    return order(full)


def is_spelt(signs: str, letters: str) -> bool:
    """Whether a Korean family name is usually spelt so."""
    return letters in _SPELLINGS.get(signs, ())


def unreadable(signs: str, letters: str) -> bool:
    """Whether Chinese signs that do not sound like these letters in Mandarin may be read so: in Japanese, Cantonese."""
    if _SIGN.match(signs) is None:
        return False
    if len(signs) > _CHINESE and signs[:2] not in _OF_TWO:
        return True
    return PINYIN.fullmatch(letters) is None or len(re.findall(_SYLLABLE, letters)) > len(signs)


_ALIKE: Final = (
    ("woo", "u"), ("wu", "u"), ("eo", "u"), ("eu", "u"), ("oo", "u"), ("ou", "u"), ("ee", "i"), ("ui", "i"),
)  # fmt: skip


def heard(letters: str) -> str:
    """Korean in Latin letters, near enough for one spelling and another: "hyeon" and "hyun"."""
    for written, one in _ALIKE:
        letters = letters.replace(written, one)
    return letters

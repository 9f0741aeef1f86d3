"""Yes and no, in the words that exports use."""

from decimal import Decimal
from typing import Final

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

# English, German, French, Spanish, Portuguese, Italian, Dutch, the north, the east, and further.
_YES: Final = """
    1 true t yes y on ja j wahr oui o vrai si sí sì s verdadero sim verdadeiro vero tak prawda ano igen evet doğru kyllä
    да истина так ναι כן نعم हाँ হ্যাঁ はい 是 예 네
"""
_NO: Final = """
    0 false f no n off nein falsch non faux falso não nao nee nej nei nie fałsz ne nem hayır yanlış ei
    нет ложь ні όχι לא لا नहीं না いいえ 否 아니요 아니오
"""
_WORDS: Final = dict.fromkeys(_YES.split(), True) | dict.fromkeys(_NO.split(), False)


def normalise(raw: object) -> bool | None:
    """True or False; None where nothing is said."""
    if raw is None or isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float | Decimal):
        if raw == 1 or raw == 0:
            return bool(raw)
        raise Misfit("yes or no")
    if isinstance(raw, str):
        text = trimmed(raw).casefold()
        if not text:
            return None
        told = _WORDS.get(text)
        if told is not None:
            return told
    elif raw == [] or raw == {}:
        return None
    raise Misfit("yes or no")

"""Money: an exact amount with its currency, ISO 4217."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from mapping.cx import canonical
from mapping.normalise.misfit import Misfit
from mapping.normalise.number import decimal
from mapping.normalise.trim import trimmed

# Currencies in use, by the digits of their smaller unit.
_BY_EXPONENT: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP
        CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR
        IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
        NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN
        SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENTS: Final = {code: digits for digits, codes in _BY_EXPONENT.items() for code in codes.split()}
# What people write for a code, where it can mean one currency only.
_SIGNS: Final = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "৳": "BDT",
    "₩": "KRW",
    "₺": "TRY",
    "₽": "RUB",
    "₴": "UAH",
    "₪": "ILS",
}


def normalise(amount: object, currency: object = None) -> dict[str, str] | None:
    """{amount, currency}; None where there is no amount. Zero is an amount.

    The currency is a code, or a sign that means one currency only ("$" means two dozen). The common form may be given
    as the amount.
    """
    if isinstance(amount, Mapping):
        if not amount:
            return None
        currency = amount.get("currency") or currency
        amount = amount.get("amount")
    told = _amount(amount)
    if told is None:
        return None
    return {"amount": told, "currency": code(currency)}


def from_minor(amount: object, currency: object) -> dict[str, str] | None:
    """Of an amount in the smaller unit: 1250 is 12.5 EUR, 1250 JPY, 1.25 KWD."""
    told = _amount(amount)
    if told is None:
        return None
    known = code(currency)
    return {"amount": canonical(Decimal(told).scaleb(-_EXPONENTS[known])), "currency": known}


def to_minor(value: Mapping[str, str]) -> str:
    """The inverse of `from_minor`; finer amounts keep their decimals, since rounding is somebody's decision."""
    return canonical(Decimal(value["amount"]).scaleb(exponent(value["currency"])))


def code(raw: object) -> str:
    """The code of a currency. Raises Misfit where there is none: an amount without one means nothing."""
    if isinstance(raw, str):
        text = trimmed(raw)
        told = _SIGNS.get(text) or text.upper()
        if told in _EXPONENTS:
            return told
    if raw is None or raw == "":
        raise Misfit("amount of a known currency: name it by `currency` of the connection, or as money(EUR)")
    raise Misfit("currency of ISO 4217")


def exponent(currency: str) -> int:
    """Digits of the smaller unit: EUR 2, JPY 0, KWD 3. Raises Misfit."""
    return _EXPONENTS[code(currency)]


def _amount(raw: object) -> str | None:
    try:
        return decimal(raw)
    except Misfit:
        raise Misfit("amount") from None

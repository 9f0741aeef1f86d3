"""What holds for every function of normalising: it knows one fault, and its own answer passes through unchanged."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mapping.normalise import (
    Misfit,
    boolean,
    company,
    country,
    domain,
    email,
    language,
    money,
    name,
    number,
    phone,
    text,
    url,
    when,
    zone,
)
from tests.mapping.normalise.anything import JSON, TEXT


def _phone(raw: object) -> object:
    told = phone.normalise(raw, region="DE")
    return None if told is None else phone.text(*told)


NORMALISE: dict[str, Callable[[Any], Any]] = {
    "boolean": boolean.normalise,
    "country": country.normalise,
    "domain": domain.normalise,
    "email": email.normalise,
    "language": language.normalise,
    "money": lambda raw: money.normalise(raw, "EUR"),
    "name": name.clean,
    "decimal": number.decimal,
    "integer": number.integer,
    "percent": number.percent,
    "phone": _phone,
    "text": text.clean,
    "body": text.body,
    "html": text.html,
    "url": url.normalise,
    "instant": lambda raw: when.instant(raw, "Europe/Berlin"),
    "instant of a form": lambda raw: when.instant(raw, "Europe/Berlin", form="DD.MM.YYYY hh:mm"),
    "day": lambda raw: when.day(raw, None),
    "day in a zone": lambda raw: when.day(raw, "Asia/Dhaka"),
    "day of a form": lambda raw: when.day(raw, None, form="MM/DD/YYYY"),
    "when": lambda raw: when.when(raw, "Europe/Berlin"),
    "epoch then instant": lambda raw: when.instant(
        raw if isinstance(raw, str) else when.epoch(raw, unit="ms"), "Europe/Berlin"
    ),
    "partial": when.partial,
    "zone": zone.normalise,
}
every = pytest.mark.parametrize("which", NORMALISE)

# Text near to what each of them reads, since any text at all is mostly none of it.
_HTML = """
    <p> </p> <b> </b> <br> <br/> <a_href='https://x.test?a&b'> <a_href='_tel:1'> </a> <div> </div> <ul> <li> </li></ul>
    <script> </script> <pre> </pre> <td> <p/> <img_alt='a<b'> <!--_x_--> <![CDATA[x]]> <?x?> <style> <svg> </svg> &lt;
    &amp; &nbsp; &#0; &#x110000; &copy < > & _ a é 👩🏽 ক্ষ <textarea> <title> </title> <plaintext>
    &#13; &#x301; &#x2028; &#xd800; &#99999999999999; ̸ <b_title="<p>"> <b_title=" <!doctype_html>
"""
LIKELY = st.one_of(
    st.from_regex(r"[A-Za-z0-9.+ \"]{1,10}@[A-Za-zäß。-]{1,8}\.[a-z]{2,3}", fullmatch=True),
    st.from_regex(r"(\+|00)?[0-9 ()/.-]{5,16}(x[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,4}([., '][0-9]{1,3}){0,3}(e[0-9])?%?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    ),
    st.from_regex(r"(--)?[0-9]{1,4}(-[0-9]{2}){0,2}", fullmatch=True),
    st.datetimes().map(lambda one: one.isoformat(sep=" ")),
    st.dates().map(lambda one: f"{one.day}.{one.month}.{one.year:04}"),
    st.from_regex(r"[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}( [0-9]{1,2}:[0-9]{2})?", fullmatch=True),
    st.from_regex(
        r"(HTTPS?:)?(//)?[a-zA-Zäöü.]{1,12}(:[0-9]{1,5})?(/[a-z%äA-F0-9 ]{0,6})?(\?[a-z=&%\"']{0,5})?(#[a-z]{0,2})?"
    ),
    st.lists(st.sampled_from(_HTML.split()), max_size=14).map(lambda pieces: "".join(pieces).replace("_", " ")),
    st.from_regex(r"[a-z]{2,3}([-_][A-Za-z]{4})?([-_][A-Z]{2})?", fullmatch=True),
)


@every
@settings(max_examples=250, deadline=None)
@given(raw=st.one_of(JSON, LIKELY))
@example(raw="\ufeff")
@example(raw="\u200b \u200b")
@example(raw=[])
@example(raw={})
@example(raw={"text": {"text": "x"}})
@example(raw={"html": "<p>x", "text": "y", "truncated": True})
@example(raw={"text": "&amp;"})
@example(raw="&amp;lt;b&amp;gt;")
@example(raw="<a href='javascript:alert(1)'>x</a><svg><script>1</script></svg>")
def test_its_own_answer_passes_through(which: str, raw: object) -> None:
    normalise = NORMALISE[which]
    try:
        told = normalise(raw)
    except Misfit:
        return

    assert told not in ("", [], {})
    assert normalise(told) == told


@every
@pytest.mark.parametrize("raw", [None, "", "  ", "\u00a0", "\ufeff", [], {}], ids=repr)
def test_nothing_reads_as_cleared(which: str, raw: object) -> None:
    assert NORMALISE[which](raw) is None


TAKE_ANY_TEXT = {"text", "body", "html", "name"}


@pytest.mark.parametrize("which", sorted(NORMALISE.keys() - TAKE_ANY_TEXT))
def test_a_fault_does_not_repeat_the_value(which: str) -> None:
    """Messages end in logs, and the value is a customer's."""
    with pytest.raises(Misfit) as caught:
        NORMALISE[which]("Mara Lind, Hafenstr. 5")

    assert "Mara" not in str(caught.value)
    assert caught.value.want in str(caught.value)


@settings(max_examples=200, deadline=None)
@given(raw=TEXT)
def test_the_core_of_a_company_name_is_its_own_core(raw: str) -> None:
    assert company.core(company.core(raw)) == company.core(raw)


@settings(max_examples=200, deadline=None)
@given(raw=TEXT)
def test_a_split_name_loses_no_word(raw: str) -> None:
    full = name.clean(raw)
    if full is None:
        return

    for order in ("given_first", "family_first"):
        parts = name.split(full, order)
        assert set(parts) <= {"given", "family"}
        assert all(parts.values())
        assert sorted(" ".join(parts.values()).split()) == sorted(full.replace(",", " ").split()) or "," in full

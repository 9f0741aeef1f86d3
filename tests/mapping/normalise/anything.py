"""Whatever JSON can hold, numbers as Decimal or float, and text of the kind that breaks things."""

from decimal import Decimal

from hypothesis import strategies as st

# Letters of several scripts, marks, joiners, emoji, directions, blanks, control characters, a lone surrogate.
ODD = (
    "aZ09 .,;:@+-_/\\'\"()[]<>&%#?=\t\n\r\x00\x85\u00a0\u00ad\u00df\u0130\u0301\u0323\u034f\u05d0\u0627\u0660\u0985"
    "\u09be\u09cd\u0995\u0e01\u1e9e\u200b\u200d\u200e\u202b\u202e\u2060\u2028\u3000\u3042\u6f22\ud55c\ud800\udc00\ufe0f\ufeff"
    "\uff10\uff20\uff21\U0001f468\U0001f469\U0001f3fd"
)
ODD_TEXT = st.text(st.sampled_from(ODD), max_size=24)
TEXT = st.one_of(st.text(max_size=40), ODD_TEXT, st.text(st.characters(codec=None, categories=None), max_size=12))
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.decimals(),
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.sampled_from([Decimal("1e99999"), Decimal("1e-99999"), Decimal("-0"), 10**400, -0.0, 1e308, 5e-324]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))

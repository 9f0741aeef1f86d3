"""Figures of a set of answers: NPS with its margin, CSAT, CES. Counts in, figures out; rounded once, at the end.

NPS is 100 x (promoters - detractors) / answers. Each answer is +1, 0 or -1, so with p and d the shares of promoters
and detractors the variance is p + d - (p - d)^2 and the 95 % margin 100 x 1.96 x sqrt(variance / n), in points, at
most 100 (the form of https://stats.stackexchange.com/a/18609). Where all answers fall into one class that gives 0,
which claims too much: then the adjusted Wald form is used, with three pseudo-answers, 3/4 promoter, 3/2 passive and
3/4 detractor, added before. Answers of several contacts are pooled; figures are never averaged.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from msgspec import Struct

Z95: Final = Decimal("1.96")
TENTH: Final = Decimal("0.1")
AT_RISK_BELOW: Final = Decimal(-20)
_PSEUDO: Final = (Decimal("0.75"), Decimal("1.5"), Decimal("0.75"))


def rounded(value: Decimal, step: Decimal = TENTH) -> Decimal:
    """Half away from zero, on both sides of it."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def canonical(value: Decimal) -> str:
    """The common form of a decimal: no exponent, no trailing zeros, no minus zero."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def nps_class(score: Decimal) -> str | None:
    """Of an answer from 0 to 10, whole numbers only; None: no such answer (8.5 is never rounded to 9)."""
    if score != score.to_integral_value() or not 0 <= score <= 10:
        return None
    return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"


def csat_class(score: Decimal, low: Decimal, high: Decimal, direction: str = "high") -> str | None:
    """Top box: 4 and 5 of 1 to 5, 6 and 7 of 1 to 7, 9 and 10 of 10, the top of anything shorter."""
    if not low <= score <= high or high <= low:
        return None
    if direction == "low":
        score = high + low - score
    width = high - low
    top = Decimal(2) if width >= 4 else Decimal(1)
    if score > high - top:
        return "satisfied"
    middle = (high + low) / 2
    if width >= 9:
        return "neutral" if score >= high - 3 else "dissatisfied"
    return "neutral" if score == middle else "dissatisfied" if score < middle else "neutral"


def ces_class(score: Decimal, low: Decimal, high: Decimal, direction: str = "high") -> str | None:
    """Above the middle of the scale is easy, on it neutral; where low is good the scale is turned round first."""
    if not low <= score <= high or high <= low:
        return None
    if direction == "low":
        score = high + low - score
    middle = (high + low) / 2
    return "easy" if score > middle else "neutral" if score == middle else "hard"


class Nps(Struct, frozen=True):
    """Counts of one pool of answers."""

    promoters: int = 0
    passives: int = 0
    detractors: int = 0

    @classmethod
    def of(cls, classes: Iterable[str]) -> "Nps":
        told = list(classes)
        return cls(told.count("promoter"), told.count("passive"), told.count("detractor"))

    @property
    def n(self) -> int:
        return self.promoters + self.passives + self.detractors

    @property
    def exact(self) -> Decimal | None:
        """From -100 to 100, not rounded; None without answers: no answers are not 0."""
        return Decimal(100 * (self.promoters - self.detractors)) / self.n if self.n else None

    @property
    def value(self) -> Decimal | None:
        exact = self.exact
        return None if exact is None else rounded(exact)

    @property
    def margin(self) -> Decimal | None:
        """The half width of the 95 % interval in points, see the head of this page."""
        if not self.n:
            return None
        counts = (Decimal(self.promoters), Decimal(self.passives), Decimal(self.detractors))
        if self.n in (self.promoters, self.passives, self.detractors):
            counts = (counts[0] + _PSEUDO[0], counts[1] + _PSEUDO[1], counts[2] + _PSEUDO[2])
        total = sum(counts)
        with localcontext() as context:
            context.prec = 28
            promoters, detractors = counts[0] / total, counts[2] / total
            variance = max(promoters + detractors - (promoters - detractors) ** 2, Decimal(0))
            return rounded(min(100 * Z95 * (variance / total).sqrt(), Decimal(100)))

    @property
    def at_risk(self) -> bool | None:
        """Below -20, judged before rounding; None: nobody answered, which is another matter."""
        exact = self.exact
        return None if exact is None else exact < AT_RISK_BELOW


def share(part: int, whole: int) -> Decimal | None:
    """In percent, one decimal; None of nothing."""
    return rounded(Decimal(100 * part) / whole) if whole else None

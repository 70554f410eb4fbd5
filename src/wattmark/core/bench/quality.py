"""How good the answers were: from the score of each query to one quality with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wattmark.core.bench.evidence import QueryRecord
from wattmark.core.bench.result import QualityScore
from wattmark.core.bench.task import Scoring, Task
from wattmark.core.stats import spread, t_quantile

NORMAL_975 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
Told = tuple[float, float | None, float | None]
"""Value, low, high."""


def quality_of(task: Task, records: Sequence[QueryRecord], name: str | None = None) -> QualityScore | None:
    """The quality of these answers, each query once; None where no score can be told.

    ``records`` are the first turn of the first repeat: the same answers again are no more evidence.
    A failed query has no answer and no score.
    """
    scores = [r.score for r in records if not r.failed and r.score is not None]
    found = _RULES[task.scoring](scores) if scores else None
    if found is None:
        return None
    value, low, high = found
    return QualityScore(
        name=name or task.quality,
        value=value,
        higher_is_better=task.higher_is_better,
        low=low,
        high=high,
        queries=len(scores),
    )


def mean(scores: Sequence[Any]) -> Told:
    """Their mean; the interval is Wilson's for scores of 0 and 1, else Student's t."""
    values = [float(s) for s in scores]
    if all(v in (0.0, 1.0) for v in values):
        return wilson(sum(values), len(values))
    told = spread(values)
    if told.n < 2:
        return told.mean, None, None
    half = t_quantile(0.975, told.n - 1) * told.sd / math.sqrt(told.n)
    return told.mean, told.mean - half, told.mean + half


def wilson(good: float, n: int) -> Told:
    """A share with its score interval (Wilson 1927, J. American Statistical Association 22:209)."""
    z2 = NORMAL_975**2
    share = good / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL_975 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def ratio(scores: Sequence[Any]) -> Told | None:
    """Sum of parts over sum of wholes; None where the wholes add up to nothing.

    The interval is that of a ratio estimate, from the residuals part - ratio x whole
    (Cochran 1977, Sampling Techniques, 3rd edition, section 6.3), with t instead of the normal.
    """
    pairs = [(float(part), float(whole)) for part, whole in scores]
    wholes = math.fsum(w for _, w in pairs)
    if wholes <= 0.0:
        return None
    value = math.fsum(p for p, _ in pairs) / wholes
    n = len(pairs)
    if n < 2:
        return value, None, None
    squares = math.fsum((p - value * w) ** 2 for p, w in pairs) / (n - 1)
    half = t_quantile(0.975, n - 1) * math.sqrt(n * squares) / wholes
    return value, max(0.0, value - half), value + half


def spearman(scores: Sequence[Any]) -> Told | None:
    """Rank correlation of [predicted, gold], ties sharing their mean rank; None where one side is all equal.

    Pearson's correlation of the ranks (Spearman 1904, American Journal of Psychology 15:72); the
    interval by Fisher's z with the variance (1 + r^2 / 2) / (n - 3) of Bonett and Wright 2000
    (Psychometrika 65:23), from four queries on.
    """
    predicted, gold = ranks([float(p) for p, _ in scores]), ranks([float(g) for _, g in scores])
    n = len(scores)
    middle = (n + 1) / 2
    xx = math.fsum((x - middle) ** 2 for x in predicted)
    yy = math.fsum((y - middle) ** 2 for y in gold)
    if xx == 0.0 or yy == 0.0:
        return None
    xy = math.fsum((x - middle) * (y - middle) for x, y in zip(predicted, gold, strict=True))
    r = max(-1.0, min(1.0, xy / math.sqrt(xx * yy)))
    if n < 4 or abs(r) == 1.0:
        return r, None, None
    half = NORMAL_975 * math.sqrt((1 + r * r / 2) / (n - 3))
    return r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def ranks(values: Sequence[float]) -> list[float]:
    """1 for the smallest; equal values share the mean of their places."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and values[order[end]] == values[order[at]]:
            end += 1
        for place in order[at:end]:
            found[place] = (at + 1 + end) / 2
        at = end
    return found


def average_precision(scores: Sequence[Any]) -> Told | None:
    """Mean over classes of the area under precision by recall; None where no query has a gold box.

    Each score is ``{"gold": {class: boxes}, "found": [[class, confidence, hit], ...]}``, where ``hit``
    says that the detection lies on a gold box of its class (IoU of 0.50 or more) that no surer one took. All
    queries' detections of a class are ranked together; precision is made monotone and integrated at every
    change of recall, as PASCAL VOC does since 2010 (Everingham et al. 2015, International Journal of Computer
    Vision 111:98). Classes without a gold box do not count. No interval: one query is no repeat of another.
    """
    gold: dict[str, int] = {}
    found: dict[str, list[tuple[float, bool]]] = {}
    for score in scores:
        for label, boxes in score["gold"].items():
            gold[label] = gold.get(label, 0) + int(boxes)
        for label, confidence, hit in score["found"]:
            found.setdefault(str(label), []).append((float(confidence), bool(hit)))
    each = [_area(found.get(label, []), boxes) for label, boxes in sorted(gold.items()) if boxes > 0]
    return (math.fsum(each) / len(each), None, None) if each else None


def _area(detections: Iterable[tuple[float, bool]], gold: int) -> float:
    """Area under the monotone precision-recall curve; equal confidences come in together."""
    points: list[tuple[float, float]] = []
    hits = seen = 0
    ordered = sorted(detections, key=lambda d: -d[0])
    for place, (confidence, hit) in enumerate(ordered):
        hits, seen = hits + hit, seen + 1
        if place + 1 == len(ordered) or ordered[place + 1][0] != confidence:
            points.append((hits / gold, hits / seen))
    area, best, after = 0.0, 0.0, points[-1][0] if points else 0.0
    for recall, precision in reversed(points):
        area += best * (after - recall)
        best, after = max(best, precision), recall
    return area + best * after


_RULES: Mapping[Scoring, Callable[[Sequence[Any]], Told | None]] = {
    Scoring.MEAN: mean,
    Scoring.RATIO: ratio,
    Scoring.SPEARMAN: spearman,
    Scoring.AVERAGE_PRECISION: average_precision,
}

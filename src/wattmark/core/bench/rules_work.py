"""Rules about the work: that it was done, whole, as pinned, and how well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from wattmark.core.bench.derived import Derived, first_answers
from wattmark.core.bench.evidence import PhaseName, QueryRecord
from wattmark.core.bench.quality import quality_of
from wattmark.core.bench.reasons import because
from wattmark.core.bench.repeats import AIES
from wattmark.core.bench.result import QualityScore
from wattmark.core.bench.validity import Reason

WARM_UP_QUERIES = 10
FULL_SHARE = 0.8
"""Of the requests that are to be in flight (ML.ENERGY: average batch at least 80 % of the configured)."""
FULL_SECONDS = 30.0
"""Least steady state of serving (ML.ENERGY, validate_results.py)."""
LENGTH_LIMIT_SHARE = 0.3
"""Fewer answers than this may be cut off (ML.ENERGY, validate_results.py)."""
LEAST_REASONING_TOKENS = 30.0
"""Three times the 10 tokens that AI Energy Score lets a model write with reasoning off (v2 documentation)."""
REASONING = "reasoning"
UNTOLD = 0.05
"""How much worse a later repeat may be, as a share, where the quality has no interval."""
FEW = 5
"""Queries of which the median of something says something."""
KEPT_SHARE = 0.5
"""Of the time of the first ask. First calls may be slower for honest reasons (kernels that are chosen for a
new shape, caches), hardly twice as slow for most queries after a warm-up."""


def done(d: Derived) -> Iterator[Reason]:
    """Every repeat came to its end and answered all it was asked."""
    if not d.repeats:
        yield because("no_work", "no repeat was begun")
    for repeat in d.repeats:
        if repeat.failed:
            yield because("repeat_failed", f"repeat {repeat.number + 1} failed: {repeat.failed}")
        elif not repeat.answered:
            yield because(
                "no_work", f"repeat {repeat.number + 1} answered 0 of {len(repeat.queries)} queries"
            )
    failed = [q for q in d.queries if q.failed]
    if failed and d.task is not None and not d.task.inference:
        text = (
            f"{len(failed)} of {len(d.queries)} attempts did not reach the target, e.g.: {failed[0].failed}"
        )
        yield because("target_not_reached", text)
    elif failed:
        text = f"{len(failed)} of {len(d.queries)} queries failed, e.g.: {failed[0].failed}"
        yield because("queries_failed", text)


def whole(d: Derived) -> Iterator[Reason]:
    """Each repeat asked every query of the set, and all of them equally often."""
    asked_for = d.evidence.pinned.queries
    for repeat in d.repeats:
        counts = Counter(q.index for q in repeat.queries)
        if repeat.failed or not counts:
            continue
        fewest, most = min(counts.values()), max(counts.values())
        if len(counts) != asked_for or fewest != most:
            times = f"{fewest} times each" if fewest == most else f"{fewest} to {most} times each"
            text = f"repeat {repeat.number + 1} asked {len(counts)} of {asked_for} queries, {times}"
            yield because("workload_incomplete", text)


def pinned(d: Derived) -> Iterator[Reason]:
    """What decides the work is fixed."""
    told = d.evidence.pinned
    missing = {
        "the hash of the dataset": not told.dataset.sha256,
        "the number of queries": told.queries < 1 or told.dataset.rows < 1,
        "the batch": told.batch_size < 1 or told.concurrency < 1,
        "the dtype": not told.dtype,
        "a task that is known": d.task is None,
    }
    lacking = [what for what, lacks in missing.items() if lacks]
    if lacking:
        yield because("not_pinned", f"not fixed: {', '.join(lacking)}")


def tokens(d: Derived) -> Iterator[Reason]:
    """Where the task fixes the number of output tokens, every answer has just so many."""
    asked = d.evidence.pinned.output_tokens
    if asked is None:
        return
    answered = [q for q in d.queries if not q.failed]
    other = [q for q in answered if q.output_tokens not in (None, asked)]
    if other:
        text = f"{len(other)} of {len(answered)} answers have another number of tokens than {asked}"
        yield because("tokens_differ", f"{text}, e.g. {other[0].output_tokens}")
    unknown = sum(q.output_tokens is None for q in answered)
    if unknown:
        text = (
            f"{unknown} of {len(answered)} answers do not tell their number of tokens; {asked} are asked for"
        )
        yield because("tokens_unknown", text)


def warmed_up(d: Derived) -> Iterator[Reason]:
    """Warm-up queries before the first repeat; inference only."""
    if d.task is not None and not d.task.inference:
        return
    begun = min((p.start_us for r in d.repeats for p in r.phases), default=None)
    count = sum(
        q.repeat < 0 and not q.failed and (begun is None or q.end_us <= begun) for q in d.evidence.queries
    )
    if count < WARM_UP_QUERIES:
        yield because("warm_up_short", f"{count} warm-up queries of {WARM_UP_QUERIES}")


def loaded(d: Derived) -> Iterator[Reason]:
    """As many requests in flight as were asked for (closed loops)."""
    asked = d.evidence.pinned.concurrency
    if asked <= 1 or d.evidence.pinned.rate_per_second is not None:
        return
    for repeat in d.ended:
        flying = sum(q.end_us - q.start_us for q in repeat.queries) / 1e6 / repeat.seconds
        if flying < FULL_SHARE * asked:
            text = f"repeat {repeat.number + 1}: {flying:.3g} requests in flight on average of {asked}"
            yield because("concurrency_not_reached", text)
        measure = next(p for p in repeat.phases if p.name is PhaseName.MEASURE)
        start, end = measure.full_start_us, measure.full_end_us
        if start is None or end is None:
            yield because("full_load_short", f"repeat {repeat.number + 1}: never were all {asked} in flight")
        elif (full := (end - start) / 1e6) < FULL_SECONDS:
            text = f"repeat {repeat.number + 1}: all {asked} in flight for {full:.3g} s of {FULL_SECONDS:g} s"
            yield because("full_load_short", text)


def lengths(d: Derived) -> Iterator[Reason]:
    """Few answers are cut off, and a reasoning task is reasoned about."""
    answers = [q.output_tokens for q in d.queries if not q.failed and q.output_tokens is not None]
    most = d.evidence.pinned.max_output_tokens
    if answers and most is not None and d.evidence.pinned.output_tokens is None:
        cut = sum(n >= most for n in answers)
        if cut >= LENGTH_LIMIT_SHARE * len(answers):
            text = f"{cut} of {len(answers)} answers reached the limit of {most} tokens"
            yield because("length_limit_hit", f"{text}; fewer than {LENGTH_LIMIT_SHARE:.0%} is asked for")
    if d.evidence.pinned.task == REASONING:
        yield from _reasoned(d, answers)


def _reasoned(d: Derived, output_tokens: Sequence[int]) -> Iterator[Reason]:
    if d.evidence.model.reasoning == "off":
        yield because("reasoning_not_seen", "the model was told not to reason")
    elif output_tokens:
        mean = sum(output_tokens) / len(output_tokens)
        if mean < LEAST_REASONING_TOKENS:
            text = f"{mean:.3g} output tokens per query; reasoning takes {LEAST_REASONING_TOKENS:g} and more"
            yield because("reasoning_not_seen", text)


def good(d: Derived) -> Iterator[Reason]:
    """The quality is known, from the answers whose energy was measured, of a model that was trained.

    AI Energy Score rates energy alone, on texts that nobody has a reference for: profile aies asks for none.
    """
    if d.quality is None and d.task is not None and d.evidence.profile.id != AIES:
        scored = any(query.score is not None for query in d.evidence.queries)
        why = "the scores do not tell it: all answers are alike" if scored else "no answer has a score"
        yield because("quality_unknown", f"{why}, so {d.quality_name} is not known")
    if (nil := _nil(d)) is not None:
        yield because("quality_nil", nil)
    if d.evidence.model.random_weights:
        yield because("random_weights", "the weights are random, so the quality says nothing of the model")


def _nil(d: Derived) -> str | None:
    """Why the answers are worth no more than none; None where they are, or nobody knows."""
    if d.quality is None or d.task is None or not d.task.inference:
        return None
    worth = d.quality.value > 0.0 if d.quality.higher_is_better else d.quality.value < 1.0
    return None if worth else f"{d.quality.name} is {d.quality.value:.3g}: no answer at all would do as well"


def good_throughout(d: Derived) -> Iterator[Reason]:
    """No repeat answered worse than the first, whose answers tell the quality."""
    first = d.quality
    if first is None or d.task is None or not d.task.inference:
        return
    for repeat in d.ended[1:]:
        answers = first_answers([repeat])
        later = quality_of(d.task, answers, d.quality_name)
        scored = sum(
            q.score is not None or bool(q.failed) for q in answers
        )  # `queries_failed` tells of these
        if scored < (first.queries or 0):
            text = f"repeat {repeat.number + 1}: {scored} answers were scored, {first.queries} in the first"
            yield because("quality_differs", text)
        elif later is not None and _worse(later, first):
            text = (
                f"repeat {repeat.number + 1}: {first.name} {later.value:.3g}, {first.value:.3g} in the first"
            )
            yield because("quality_differs", text)


def _worse(later: QualityScore, first: QualityScore) -> bool:
    if first.higher_is_better:
        return later.value < (first.value * (1 - UNTOLD) if first.low is None else first.low)
    return later.value > (first.value * (1 + UNTOLD) if first.high is None else first.high)


def anew(d: Derived) -> Iterator[Reason]:
    """A query that is asked again is answered again: it takes about as long as the first time.

    Told from the queries that the warm-up did not ask, by the median of how long each took in all later asks
    as a share of the first; nothing can be told where there are fewer than a few.
    """
    if d.task is None or not d.task.inference:
        return
    warm = {q.index for q in d.evidence.queries if q.repeat < 0}
    asked: dict[int, list[QueryRecord]] = {}
    for query in sorted(d.queries, key=lambda q: q.start_us):
        if query.index not in warm and not query.failed:
            asked.setdefault(query.index, []).append(query)
    shares = [
        median(q.end_us - q.start_us for q in later) / (first.end_us - first.start_us)
        for first, *later in asked.values()
        if later and first.end_us > first.start_us
    ]
    if len(shares) >= FEW and (share := median(shares)) <= KEPT_SHARE:
        text = f"asked again, queries took {share:.0%} of the time of the first time"
        yield because("answers_kept", text)


RULES = (done, whole, pinned, tokens, warmed_up, loaded, lengths, good, good_throughout, anew)

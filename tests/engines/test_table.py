"""The table of engines says each thing once, completely, and with a source."""

import pytest

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.serving.engine import Quantity
from wattmark.engines.table import (
    Condition,
    EngineKind,
    bundled_engines,
    condition_of,
    engine_named,
    engines_of,
)
from wattmark.sources.metrics import bundled_metrics

KINDS = bundled_engines()
IMPORTED = ("requests", "input_tokens", "output_tokens")
"""What the importers take of engines' stored series."""
GATEWAYS = ("ray-serve", "bentoml", "kserve", "dynamo")
"""They count requests that engines behind or inside them count too."""
NOT_STORED = {
    ("llamacpp:prompt_tokens_cached_total", ()),  # a row of its own could not be added to the other
    ("vllm:prompt_tokens_total", ()),
    ("vllm:generation_tokens_total", ()),
}
"""Names that several engines have, or that are added up; the rows of vLLM hold theirs."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.id)
def test_every_quantity_is_told_or_its_absence_is_explained(kind: EngineKind) -> None:
    """An engine with metrics has a metric or a reason for each quantity; one without says what to do."""
    for quantity in Quantity:
        assert not kind.signs or quantity in kind.metrics or kind.missing[quantity]
    assert kind.on
    assert kind.source.startswith("https://")
    assert kind.how in ("server", "source")


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.id)
def test_metrics_of_an_engine_begin_with_a_sign_of_some_engine(kind: EngineKind) -> None:
    """Else its page would be taken for that of no engine."""
    signs = (*(s for k in KINDS for s in k.signs), "nv_llm_", "nv_trt_llm_", "request_postprocess_")
    assert all(name.startswith(signs) for name in kind.names)


def test_engines_are_named_once() -> None:
    """And no sign of an engine hides that of a later one."""
    assert len({k.id for k in KINDS}) == len(KINDS)
    signs = [(sign, k.id) for k in KINDS for sign in k.signs]
    for at, (sign, engine) in enumerate(signs):
        assert not [s for s, other in signs[at + 1 :] if s.startswith(sign) and other != engine]


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("reason=abort|error", "abort", True),
        ("reason=abort|error", "stop", False),
        ("reason!=abort|error", "stop", True),
        ("reason!=abort|error", "error", False),
        ("reason^4|5", "503", True),
        ("reason^4|5", "200", False),
        ("reason=", "", True),
        ("reason=", "1", False),
    ],
)
def test_conditions_on_labels(text: str, value: str, holds: bool) -> None:
    """One of, none of, begins with; an absent label is empty."""
    assert condition_of(text).holds({"reason": value} if value else {}) is holds


@pytest.mark.parametrize("text", ["reason", "=a", "^a", "!=a"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    """Without a label or a sign nothing is said."""
    with pytest.raises(ValueError, match="is no condition"):
        condition_of(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metrics": {"joules": [{"metric": ["a"]}]}}, "'joules' is not a valid Quantity"),
        ({"metrics": {"requests": [{"metric": ["a"], "over": "max"}]}}, "over is sum or mean"),
        ({"metrics": {"requests": [{"metric": ["a"], "absent": "zero"}]}}, "absent is unknown"),
        ({"metrics": {"requests": [{"where": "a=b"}]}}, "'metric'"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_row_that_cannot_be_read_names_its_engine(change: dict[str, object], says: str) -> None:
    """The place is in the error."""
    row = {"id": "mine", "title": "", "signs": [], "model": [], "path": "", "port": 1, "port_options": []}
    row |= {"processes": [], "on": "", "verified": "", "how": "", "tokens_at": "", "note": "", "source": ""}
    assert engines_of({"engine": [row]})[0].id == "mine"
    with pytest.raises(ConfigError, match=f"mine.*{says}"):
        engines_of({"engine": [row | change]})


def test_an_engine_that_is_not_known_is_refused_with_those_that_are() -> None:
    """So that a spelling can be corrected."""
    assert engine_named("vllm").title == "vLLM"
    with pytest.raises(UsageError, match=r"'vlm' is no engine that is known: there are triton, .*vllm"):
        engine_named("vlm")


@pytest.mark.parametrize("kind", [k for k in KINDS if k.id not in GATEWAYS and k.metrics], ids=lambda k: k.id)
@pytest.mark.parametrize("quantity", IMPORTED)
def test_importers_and_the_agent_know_the_same_metrics(kind: EngineKind, quantity: str) -> None:
    """What an engine's live metrics are called is what its stored series are called, under one condition."""
    rows = [r for r in bundled_metrics().rows if r.exporter == kind.id and r.unit == quantity]
    theirs = {(n, tuple((c.label, c.kind, c.values) for c in r.where)) for r in rows for n in r.names}
    ours = {
        (name, tuple((c.label, c.sign, c.values) for c in term.where))
        for term in kind.metrics.get(Quantity(quantity), ())
        for name in term.names
    }
    assert (ours if kind.id == "vllm" else ours - NOT_STORED) == theirs


@pytest.mark.parametrize("kind", [k for k in KINDS if k.id in GATEWAYS], ids=lambda k: k.id)
def test_importers_leave_out_what_counts_requests_of_engines_again(kind: EngineKind) -> None:
    """A ledger that took both would count each request twice; a look at one engine takes what it is given."""
    rows = [r for r in bundled_metrics().rows if r.exporter == kind.id]
    assert rows
    assert not [r for r in rows if r.taken]
    assert {n for r in rows for n in r.names} <= kind.names


def test_a_condition_says_what_it_is() -> None:
    """As it is read, so it is kept."""
    assert condition_of("a!=b|c") == Condition("a", "!=", ("b", "c"))

"""What one request probably cost, told the moment it ends.

How a device's energy is shared among requests is settled only when all of them are known, a minute or so
later. Until then there is an estimate: what the model's requests cost per token (or per second of their time)
over the agent's last windows, times the tokens (or seconds) of this one. It says that it is an estimate, and
what it was made from; where nothing is known it is missing, and never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOKENS, TIME = "tokens", "time"
NO_AGENT = "no_agent"
STALE = "stale"
NO_FIGURES = "no_figures_of_this_model"
NO_REQUESTS = "no_requests_lately"
NO_GRAMS = "no_carbon_figures"
LATER = "told_after_the_stream"
FAILED = "failed"

WHOLE_BY_PHASE = 0.99
"""Prefill and decode are used apart when they make up this share of the energy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What the requests of one model cost over the last windows."""

    joules: float
    """Attributed energy: of the time in which requests were active, failed ones included."""
    window_seconds: float
    input_tokens: float | None = None
    cached_input_tokens: float = 0.0
    output_tokens: float | None = None
    prefill_joules: float | None = None
    decode_joules: float | None = None
    request_seconds: float | None = None
    """Sum of the times that requests were active."""
    grams_per_joule: float | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    """How the energy is known: boundary, grade, rule."""
    carbon_terms: Mapping[str, str] = field(default_factory=dict)
    """On which terms carbon is counted: accounting, basis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The rates of all models of one node, or why there are none."""

    of_model: Mapping[str, Rate] = field(default_factory=dict)
    reason: str = ""
    """Why there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What is estimated of one request, or why nothing is."""

    joules: float | None = None
    grams: float | None = None
    by: str = ""
    """``tokens`` or ``time``: what the rate was multiplied by."""
    window_seconds: float = 0.0
    terms: Mapping[str, str] = field(default_factory=dict)
    carbon_terms: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    """Why there is no energy."""


UNKNOWN = Rates(reason=NO_AGENT)


def rates_of(live: Mapping[str, Any]) -> Rates:
    """The rates in a document of ``GET /v1/live`` (``wattmark.live`` version 1).

    A model that is there twice, under several rules, keeps the first, which is the newest rule's.
    """
    found: dict[str, Rate] = {}
    seconds = float(live["seconds"])
    for model in live["models"]:
        rate = _rate(model, seconds)
        if rate is not None and model["model"] not in found:
            found[model["model"]] = rate
    return Rates(of_model=found, reason="" if found else NO_FIGURES)


def estimate(
    rates: Rates,
    model: str,
    *,
    input_tokens: int | None,
    cached_input_tokens: int,
    output_tokens: int | None,
    seconds: float,
) -> Spent:
    """What a request of this model probably cost: by tokens where both sides know them, else by its time."""
    rate = rates.of_model.get(model)
    if rate is None:
        return Spent(reason=rates.reason or NO_FIGURES)
    joules, by = None, TOKENS
    if input_tokens is not None and output_tokens is not None:
        joules = _by_tokens(rate, input_tokens - cached_input_tokens, output_tokens)
    if joules is None and rate.request_seconds:
        joules, by = rate.joules / rate.request_seconds * seconds, TIME
    if joules is None:
        return Spent(reason=NO_REQUESTS)
    return Spent(
        joules=joules,
        grams=None if rate.grams_per_joule is None else joules * rate.grams_per_joule,
        by=by,
        window_seconds=rate.window_seconds,
        terms=rate.terms,
        carbon_terms=rate.carbon_terms,
    )


def energy_text(spent: Spent) -> str:
    """The value of the header ``Wattmark-Energy``: an amount, then what it is and how it is known."""
    if spent.joules is None:
        return f"known=missing;reason={spent.reason}"
    return f"{spent.joules:.3g};unit=J;{_known(spent)}{_listed(spent.terms)}"


def carbon_text(spent: Spent) -> str:
    """The value of the header ``Wattmark-Carbon``."""
    if spent.joules is None or spent.grams is None:
        return f"known=missing;reason={spent.reason or NO_GRAMS}"
    return f"{spent.grams:.3g};unit=g;{_known(spent)}{_listed(spent.carbon_terms)}"


def attributes_of(spent: Spent, request_id: str) -> dict[str, str | float]:
    """The same as attributes of an OpenTelemetry span, in a namespace of our own."""
    told: dict[str, str | float] = {"wattmark.request.id": request_id}
    if spent.joules is None:
        return told | {"wattmark.energy.known": "missing", "wattmark.energy.reason": spent.reason}
    told["wattmark.energy.joules"] = spent.joules
    told["wattmark.energy.known"] = "estimated"
    told["wattmark.energy.by"] = spent.by
    told["wattmark.energy.window_seconds"] = spent.window_seconds
    told |= {f"wattmark.energy.{name}": value for name, value in spent.terms.items()}
    if spent.grams is None:
        return told | {"wattmark.carbon.known": "missing", "wattmark.carbon.reason": NO_GRAMS}
    told["wattmark.carbon.grams"] = spent.grams
    told["wattmark.carbon.known"] = "estimated"
    return told | {f"wattmark.carbon.{name}": value for name, value in spent.carbon_terms.items()}


def _known(spent: Spent) -> str:
    return f"known=estimated;by={spent.by};window={spent.window_seconds:.0f}"


def _listed(terms: Mapping[str, str]) -> str:
    return "".join([f";{name}={value}" for name, value in terms.items()])


def _by_tokens(rate: Rate, read: int, written: int) -> float | None:
    """By new input and output tokens, each at its own rate where the phases are known; None: no rate."""
    if rate.input_tokens is None or rate.output_tokens is None:
        return None
    all_read, all_written = rate.input_tokens - rate.cached_input_tokens, rate.output_tokens
    prefill, decode = rate.prefill_joules, rate.decode_joules
    phased = (
        prefill is not None and decode is not None and prefill + decode >= WHOLE_BY_PHASE * rate.joules > 0
    )
    if phased and (all_read > 0 or not read) and (all_written > 0 or not written):
        return (prefill or 0.0) / (all_read or 1) * read + (decode or 0.0) / (all_written or 1) * written
    both = all_read + all_written
    return rate.joules / both * (read + written) if both > 0 else None


def _rate(model: Mapping[str, Any], seconds: float) -> Rate | None:
    energy = model["energy"]["attributed"]
    if energy["status"] != "known":
        return None
    terms = energy["terms"]
    told = {
        "boundary": terms.get("boundary"),
        "grade": energy["grade"],
        "rule": terms.get("attribution_rule"),
    }
    batch = model["mean_batch"]
    grams, per_request = model["grams_per_inference"]["attributed"], model["joules_per_request"]["attributed"]
    carbon, carbon_terms = None, {}
    if grams["status"] == per_request["status"] == "known" and per_request["value"] > 0:
        carbon = grams["value"] / per_request["value"]
        stated = grams["terms"]
        carbon_terms = {name: stated[name] for name in ("accounting", "basis") if stated.get(name)}
    return Rate(
        joules=energy["value"],
        window_seconds=seconds,
        input_tokens=model["input_tokens"],
        cached_input_tokens=model["cached_input_tokens"] or 0.0,
        output_tokens=model["output_tokens"],
        prefill_joules=_value(model["prefill_energy"]),
        decode_joules=_value(model["decode_energy"]),
        request_seconds=None if batch is None else batch * seconds,
        grams_per_joule=carbon,
        terms={name: value for name, value in told.items() if value},
        carbon_terms=carbon_terms,
    )


def _value(answer: Mapping[str, Any]) -> float | None:
    return answer["value"] if answer["status"] == "known" else None

"""What is recorded: figures per model, tenant and device, as `wattmark.core.serving.figures` defines them.

``attributed`` is the energy while requests of a model were active, ``service`` adds the idle energy that it
reserves; failed requests count in the energy of both and in the work of neither (kpis.md, Shared machines).
Releases, servers and nodes of a model are added up. Boundaries and rules of attribution never are: where
nodes know a model on several, there is no figure per request or token. What was not observed is in no figure:
nodes with gaps are left out of what is compared (`wattmark.monitoring.regression`) only.
"""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.promql import by, positive, rate
from wattmark.monitoring.rule import Group, Recording
from wattmark.monitoring.settings import RuleSettings

RULED = "model, attribution_rule"
USED = 'outcome=~"success|failed"'
DONE = 'outcome="success"'
IDLE = 'outcome="idle"'
KINDS = ("attributed", "service")
KIND_WORDS = {"attributed": "of active requests", "service": "idle energy included"}

REQUESTS_RATE = "model:wattmark_inference_requests:rate"
TOKENS_RATE = "model:wattmark_inference_output_tokens:rate"
WATTS = "model:wattmark_inference_power_watts"
PER_REQUEST = "model:wattmark_joules_per_request"
PER_TOKEN = "model:wattmark_joules_per_output_token"
PER_1K_QPS = "model:wattmark_watts_per_1k_qps:service"
GRAMS = "model:wattmark_grams_per_inference"
IDLE_SHARE = "model:wattmark_idle_share:ratio"
TENANT_WATTS = "tenant_model:wattmark_inference_power_watts:attributed"
TENANT_PER_TOKEN = "tenant_model:wattmark_joules_per_output_token:attributed"
DEVICE_WATTS = "instance_device:wattmark_power_watts:rate"
DEVICE_IDLE_WATTS = "instance_device:wattmark_idle_power_watts:rate"
DEVICE_IDLE_SHARE = "instance_device:wattmark_idle_share:ratio"
DEVICE_UTILISATION = "instance_device:wattmark_utilisation:ratio"
UNOBSERVED_SHARE = "instance_device:wattmark_unobserved_share:ratio"
BASES = "model:wattmark_bases:count"
ONE_BASIS = f"\nunless on (model)\n({BASES} > 1)"
"""Nothing where nodes know a model's energy on different terms: their sum is no energy of either."""


def figures(settings: RuleSettings) -> Group:
    """The figures of each model, tenant and device."""
    w = settings.window
    most = settings.most_unknown_tokens
    rules = [_bases(w), *_work(w, most), *_models(w), *_tenants(w, most), *_devices(w)]
    return Group(name="wattmark-figures", interval=settings.interval, rules=rules)


def _bases(w: float) -> Recording:
    known = f"count by ({RULED}, boundary) ({rate(names.INFERENCE_ENERGY, w)} > 0)"
    return Recording(
        record=BASES,
        expr=f"count by (model) ({known})",
        what="On how many boundaries and rules a model's energy is known; above 1 no figure is made.",
    )


def _work(w: float, most: float) -> list[Recording]:
    return [
        Recording(
            record=REQUESTS_RATE,
            expr=by("model", rate(names.REQUESTS, w, DONE)),
            what="Requests that succeeded, per second.",
        ),
        Recording(
            record=TOKENS_RATE,
            expr=_tokens("model", w, most),
            what="Output tokens per second, where they are known of nearly all requests.",
        ),
    ]


def _models(w: float) -> list[Recording]:
    found = []
    for kind in KINDS:
        of, words = USED if kind == "attributed" else "", KIND_WORDS[kind]
        watts, carbon = rate(names.INFERENCE_ENERGY, w, of), rate(names.CARBON, w, of)
        found += [
            Recording(record=f"{WATTS}:{kind}", expr=by(RULED, watts), what=f"W of a model, {words}."),
            Recording(
                record=f"{PER_REQUEST}:{kind}",
                expr=f"{WATTS}:{kind}\n/ on (model) group_left ()\n{positive(REQUESTS_RATE)}{ONE_BASIS}",
                what=f"J per request that succeeded, {words}.",
            ),
            Recording(
                record=f"{PER_TOKEN}:{kind}",
                expr=f"{WATTS}:{kind}\n/ on (model) group_left ()\n{positive(TOKENS_RATE)}{ONE_BASIS}",
                what=f"J per output token, {words}.",
            ),
            Recording(
                record=f"{GRAMS}:{kind}",
                expr=f"{by(f'{RULED}, accounting, basis', carbon)}\n/ on (model) group_left ()\n"
                f"{positive(REQUESTS_RATE)}\nunless on (model, accounting, basis)\n"
                f"{positive(by('model, accounting, basis', rate(names.NO_CARBON, w, of)))}{ONE_BASIS}",
                what=f"gCO2e per inference, {words}; nothing where the intensity is not known throughout.",
            ),
        ]
    return [
        *found,
        Recording(
            record=PER_1K_QPS,
            expr=f"1000 * {PER_REQUEST}:service",
            what="W per 1,000 queries per second: 1000 x J per request, idle energy included.",
        ),
        Recording(
            record=IDLE_SHARE,
            expr=f"{by(RULED, rate(names.INFERENCE_ENERGY, w, IDLE))}\n/ {positive(f'{WATTS}:service')}",
            what="Share of a model's energy that passed idle.",
        ),
    ]


def _tenants(w: float, most: float) -> list[Recording]:
    watts = by(f"tenant, {RULED}", rate(names.INFERENCE_ENERGY, w, USED))
    tokens = positive(_tokens("tenant, model", w, most))
    return [
        Recording(
            record=TENANT_WATTS, expr=watts, what="W of a tenant's requests; idle energy has no tenant."
        ),
        Recording(
            record=TENANT_PER_TOKEN,
            expr=f"{TENANT_WATTS}\n/ on (tenant, model) group_left ()\n{tokens}{ONE_BASIS}",
            what="J per output token of a tenant's requests.",
        ),
    ]


def _devices(w: float) -> list[Recording]:
    place = "job, instance, device, component"
    worked = f"{place}, signal"
    idle = by(place, rate(names.DEVICE_IDLE, w))
    return [
        Recording(
            record=DEVICE_WATTS,
            expr=by(f"{place}, boundary", rate(names.ENERGY, w)),
            what="W of a device. Devices of an agent do not hold one another: they may be added.",
        ),
        Recording(record=DEVICE_IDLE_WATTS, expr=idle, what="W of a device with no request active on it."),
        Recording(
            record=DEVICE_IDLE_SHARE,
            expr=f"{DEVICE_IDLE_WATTS}\n/ on ({place})\n{positive(by(place, rate(names.ENERGY, w)))}",
            what="Share of a device's energy with no request active on it.",
        ),
        Recording(
            record=DEVICE_UTILISATION,
            expr=f"{by(worked, rate(names.BUSY, w))}\n/ on ({worked})\n"
            f"{positive(by(worked, rate(names.WATCHED, w)))}",
            what="Share of the watched time in which a device worked, by the signal that says so.",
        ),
        Recording(
            record=UNOBSERVED_SHARE,
            expr=f"max by (job, instance, device) ({rate(names.UNOBSERVED, w)})",
            what="Share of the time in which a device was not read.",
        ),
    ]


def _tokens(labels: str, w: float, most: float) -> str:
    """Output tokens per second; nothing where too many requests do not tell theirs, whose energy counts."""
    untold = by(labels, rate(names.NO_TOKENS, w, 'tokens="output"'))
    finished = positive(by(labels, rate(names.REQUESTS, w)))
    return f"{by(labels, rate(names.OUTPUT_TOKENS, w))}\nunless\n({untold} / {finished} > {most:.6g})"

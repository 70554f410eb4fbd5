"""Models and tenants: joules per token and per request, held against their baseline, release by release."""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.dashboards.board import (
    Board,
    Mark,
    Panel,
    Query,
    Row,
    Variable,
    lines,
    number,
    table,
)
from wattmark.monitoring.recordings import (
    DONE,
    GRAMS,
    PER_1K_QPS,
    PER_REQUEST,
    PER_TOKEN,
    REQUESTS_RATE,
    TENANT_PER_TOKEN,
    TENANT_WATTS,
    USED,
    WATTS,
)
from wattmark.monitoring.regression import COVARIATE, MIX

MODEL = Variable(name="model", label="Model", series=names.REQUESTS)
TENANT = Variable(name="tenant", label="Tenant", series=names.REQUESTS)
M = 'model=~"$model"'
ONE = f"{{{M}}}"
OF_TENANT = f'{{{M},tenant=~"$tenant"}}'
NEW = f'{MIX}:now{{what="release",{M}}}'
RELEASES = Mark(
    name="Releases",
    expr=f"({NEW} > 0.01) unless ({MIX}:now{{what='release',{M}}} offset 15m > 0.01)",
    title="{{model}}: release {{which}}",
    colour="blue",
)
FIRING = Mark(
    name="Alerts",
    expr=f'ALERTS{{alertname=~"Wattmark.*",alertstate="firing",{M}}}',
    title="{{alertname}} {{model}}",
    colour="red",
)


def board() -> Board:
    """The dashboard of models."""
    return Board(
        uid="wattmark-models",
        title="wattmark / Models and tenants",
        what="Energy and carbon per token and per request, by model, release and tenant.",
        variables=[MODEL, TENANT],
        marks=[RELEASES, FIRING],
        rows=[_now(), _held(), _releases(), _requests(), _tenants(), _why()],
    )


def _now() -> Row:
    return Row(
        title="Now",
        panels=[
            number(
                "J per output token",
                f"{PER_TOKEN}:attributed{ONE}",
                "joule",
                "Energy of active requests over all output tokens; failed requests' energy is in it.",
            ),
            number(
                "J per request", f"{PER_REQUEST}:service{ONE}", "joule", "Idle energy of the model included."
            ),
            number(
                "gCO2e per inference",
                f"{GRAMS}:service{ONE}",
                "massg",
                "Operational carbon, idle energy included.",
            ),
            number(
                "W per 1k QPS", f"{PER_1K_QPS}{ONE}", "watt", "1000 x J per request, idle energy included."
            ),
        ],
    )


def _held() -> Row:
    about = "Band: from the median of the model's last week to the alert's limit. Blue marks: new releases."
    return Row(
        title="Against its own last week",
        panels=[_against(series, f"{title}: $model", about) for series, title in FIGURES],
    )


FIGURES = ((PER_TOKEN, "J per output token"), (PER_REQUEST, "J per request"))


def _against(series: str, title: str, about: str) -> Panel:
    """One figure of one model with its band; once for each model that is chosen."""
    return Panel(
        title=title,
        what=about,
        unit="joule",
        width=24,
        repeat="model",
        queries=[
            Query(expr=f"{series}:attributed{ONE}", legend="now"),
            Query(expr=f"{series}:baseline{ONE}", legend="baseline", dashed=True),
            Query(expr=f"{series}:baseline_limit{ONE}", legend="limit", dashed=True, fill_to="baseline"),
        ],
    )


def _releases() -> Row:
    by = "model, model_version"
    watts = f"sum by ({by}) (rate({names.INFERENCE_ENERGY}{{{M},{USED}}}[$__rate_interval]))"
    tokens = f"sum by ({by}) (rate({names.OUTPUT_TOKENS}{ONE}[$__rate_interval]))"
    return Row(
        title="Releases",
        panels=[
            lines(
                "J per output token by release",
                "joule",
                "Energy of active requests. Idle energy belongs to a model, not to a release.",
                Query(expr=f"{watts} / ({tokens} > 0)", legend="{{model}} {{model_version}}"),
            ),
            lines(
                "Share of requests by release",
                "percentunit",
                "Of the requests that ended.",
                Query(expr=NEW, legend="{{model}} {{which}}"),
                stacked=True,
            ),
        ],
    )


def _requests() -> Row:
    failed = f"sum by (model) (rate({names.INFERENCE_ENERGY}{{{M},outcome='failed'}}[$__rate_interval]))"
    phases = f"sum by (model, phase) (rate({names.PHASE_ENERGY}{ONE}[$__rate_interval]))"
    error = f"sum by (model) (rate({names.RULE_ERROR}{ONE}[$__rate_interval]))"
    used = f"sum by (model) ({WATTS}:attributed{ONE})"
    each = f"sum by (model, le) (rate({names.REQUEST_ENERGY}_bucket{ONE}[$__rate_interval]))"
    return Row(
        title="Requests",
        panels=[
            lines(
                "Requests per second",
                "reqps",
                "Those that succeeded.",
                Query(expr=f"{REQUESTS_RATE}{ONE}", legend="{{model}}"),
            ),
            lines(
                "Energy of one request",
                "joule",
                "Attributed energy of single requests: half, and all but 5 %, take less.",
                Query(expr=f"histogram_quantile(0.5, {each})", legend="{{model}} median"),
                Query(expr=f"histogram_quantile(0.95, {each})", legend="{{model}} 95 %"),
            ),
            lines(
                "J per output token, idle included",
                "joule",
                "What a token costs as it is run: the idle energy that the model reserves is in it.",
                Query(expr=f"{PER_TOKEN}:service{ONE}", legend="{{model}}"),
            ),
            lines(
                "Power by phase",
                "watt",
                "Prefill reads the input, decode writes the output; whole: not known.",
                Query(expr=phases, legend="{{model}} {{phase}}"),
                stacked=True,
            ),
            lines(
                "Wasted and uncertain",
                "percentunit",
                "Energy of failed requests, and how far another rule of division would move the figure "
                "(95 %), as shares of the attributed energy.",
                Query(expr=f"{failed} / ({used} > 0)", legend="{{model}} failed"),
                Query(expr=f"{error} / ({used} > 0)", legend="{{model}} rule"),
            ),
        ],
    )


def _tenants() -> Row:
    chosen = f'{{{M},tenant=~"$tenant",{USED}}}'
    energy = f"sum by (tenant) (increase({names.INFERENCE_ENERGY}{chosen}[$__range]))"
    return Row(
        title="Tenants",
        panels=[
            lines(
                "Power by tenant",
                "watt",
                "Of active requests. Idle energy has no tenant.",
                Query(expr=f"sum by (tenant) ({TENANT_WATTS}{OF_TENANT})", legend="{{tenant}}"),
                stacked=True,
            ),
            lines(
                "J per output token by tenant",
                "joule",
                "Of active requests: long prompts and short answers cost more per output token.",
                Query(expr=f"{TENANT_PER_TOKEN}{OF_TENANT}", legend="{{tenant}} {{model}}"),
            ),
            table("Energy in this time by tenant", "joule", "Of active requests.", energy, width=24),
        ],
    )


def _why() -> Row:
    changes = f"{COVARIATE}:change{ONE}"
    moved = f"({MIX}:shift{ONE} > 0.01) or ({MIX}:shift{ONE} < -0.01)"
    rates = f"sum by (model) (rate({names.REQUESTS}{{{M},{DONE}}}[$__rate_interval]))"
    tokens = f"sum by (model) (rate({names.OUTPUT_TOKENS}{ONE}[$__rate_interval])) / ({rates} > 0)"
    return Row(
        title="What changed",
        panels=[
            lines(
                "Against the baseline's time",
                "short",
                "1 is as before. Energy per token depends on all of these.",
                Query(expr=changes, legend="{{model}} {{what}}"),
            ),
            lines("Output tokens per request", "short", "Mean.", Query(expr=tokens, legend="{{model}}")),
            table(
                "Shares that moved",
                "percentunit",
                "Releases, nodes, servers, tenants, grades of readings.",
                moved,
                width=24,
            ),
        ],
    )

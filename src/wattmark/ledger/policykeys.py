"""Every table and key of a policy file: the one description that it is read, checked and published by."""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.core.governance.budget import CARBON_UNITS, ENERGY_UNITS, PERIODS, WARN_AT
from wattmark.core.governance.level import Level
from wattmark.core.governance.rated import RATINGS
from wattmark.core.governance.rules import MOST_DAYS
from wattmark.core.known import Grade
from wattmark.core.kpis import CATALOG
from wattmark.core.policy import COVERAGE, Aggregation, IfLacking, OnUndecided
from wattmark.core.rubric import Factors
from wattmark.ledger.keys import Holds, Key, Table

ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
PERIOD = rf"{'|'.join(PERIODS)}|\d{{4}}(-Q[1-4]|-(0[1-9]|1[0-2]))?"
STATISTICS = tuple(dict.fromkeys(name for kpi in CATALOG.values() for name in kpi.statistics))

_LEVEL = Key(
    says="how much it weighs: `error` fails the gate, `warn` is shown, `off` is listed and not judged",
    choices=tuple(Level),
    left_out="`error`",
)
_GRADE = Key(
    says="grade that the evidence needs, A to D; E (declared) never passes a gate",
    choices=tuple(Grade),
    refused=(Grade.E,),
    left_out="C; D for a limit relative to a baseline on the same host",
)
_COVERAGE = Key(
    holds=Holds.NUMBER,
    says="share of the time that must have been observed",
    above=0.0,
    most=1.0,
    left_out=f"{COVERAGE:g}",
)
_REPEATS = Key(
    holds=Holds.WHOLE,
    says="fewest repeats of the candidate, and of the baseline where one is needed; one run says nothing "
    "about noise, so 3 or more is wise for relative limits",
    least=1,
    left_out="1",
)
_AGGREGATION = Key(
    says="what is held against the bound when there are several repeats: their `mean`, their `median` (needs "
    "6 repeats), or the `worst` of them, which must pass",
    choices=tuple(Aggregation),
    left_out="`mean`",
)
_TOLERANCE = Key(
    holds=Holds.NUMBER,
    says="share by which an absolute bound may be passed; a relative limit is its own tolerance",
    least=0.0,
    most=1.0,
    left_out="0",
)
_ON_UNDECIDED = Key(
    says="what the limit says when it lies inside the interval of a whole measurement",
    choices=tuple(OnUndecided),
    left_out="`fail`",
)
_IF_MISSING = Key(
    says="what it says of runs for which nobody stated what it needs (work, lifetime, renewables ...); never "
    "about readings that are lacking",
    choices=tuple(IfLacking),
    left_out="`fail`",
)
_IF_NO_BASELINE = Key(
    says="what a relative limit says when there is no baseline at all",
    choices=tuple(IfLacking),
    left_out="`fail`",
)
_SCOPE = Key(
    holds=Holds.SCOPE,
    says="runs it is for: patterns (`*`, `?`, `[abc]`) on their tags, free labels as `label.KEY`; a run that "
    "does not state a tag that is named is not enough evidence",
    left_out="all runs",
    example='{team = "vision-*"}',
)

DEFAULTS = Table(
    says="What limits say where they say nothing themselves.",
    keys={
        "level": _LEVEL,
        "grade": _GRADE,
        "coverage": _COVERAGE,
        "repeats": _REPEATS,
        "aggregation": _AGGREGATION,
        "tolerance": _TOLERANCE,
        "on_undecided": _ON_UNDECIDED,
        "if_missing": _IF_MISSING,
        "if_no_baseline": _IF_NO_BASELINE,
    },
)

LIMIT = Table(
    many=True,
    says="One limit on one KPI, with exactly one of four bounds.",
    keys={
        "kpi": Key(
            says="id of a KPI, see `wattmark kpis list`; or `score` (against the baseline) or `stars` (of a "
            "benchmark), with `min`",
            required=True,
            choices=(*CATALOG, *RATINGS),
            checked_later=True,
            left_out="required",
        ),
        "max": Key(
            holds=Holds.NUMBER,
            says="highest allowed value, in the KPI's own unit",
            left_out="exactly one bound is required",
        ),
        "min": Key(holds=Holds.NUMBER, says="lowest allowed value, in the KPI's own unit"),
        "max_increase": Key(
            holds=Holds.NUMBER,
            says="most growth against the baseline, as a share (0.05 is 5 %); for KPIs where lower is better",
        ),
        "max_decrease": Key(
            holds=Holds.NUMBER,
            says="most fall against the baseline, as a share; for KPIs where higher is better",
        ),
        "unit": Key(
            says="unit that you believe the KPI has; another one is an error: 1 g is never taken for 1 kg",
            left_out="not checked",
        ),
        "id": Key(
            says="name of the limit, for waivers and reports",
            pattern=ID,
            example="energy-growth",
            left_out="made from the KPI, the bound, the stage, the classes and the scope",
        ),
        "level": _LEVEL,
        "scope": _SCOPE,
        "workload_class": Key(
            holds=Holds.TEXTS,
            says="applies to runs of these classes; a run that states none is not enough evidence",
            left_out="all classes",
            example='["classical", "vision-batch"]',
        ),
        "stage": Key(says="judges the energy of this stage alone", left_out="the whole"),
        "statistic": Key(
            says="of a KPI that has several: `p10` or `mean` of utilisation",
            choices=STATISTICS,
            left_out="the KPI's own",
        ),
        "aggregation": _AGGREGATION,
        "tolerance": _TOLERANCE,
        "grade": _GRADE,
        "coverage": _COVERAGE,
        "repeats": _REPEATS,
        "on_undecided": _ON_UNDECIDED,
        "if_missing": _IF_MISSING,
        "if_no_baseline": _IF_NO_BASELINE,
        "target": Key(
            holds=Holds.NUMBER,
            says="where the KPI should come to, in its own unit: shown and followed, never enforced",
        ),
        "reason": Key(says="why the limit is there, shown when it is broken"),
    },
)

BUDGET = Table(
    many=True,
    says="Energy or carbon that may be used up in a period. Waived runs count too.",
    keys={
        "id": Key(
            says="name of the budget", required=True, pattern=ID, example="team-q1", left_out="required"
        ),
        "limit": Key(
            holds=Holds.NUMBER,
            says="how much there is, in `unit`",
            required=True,
            above=0.0,
            left_out="required",
        ),
        "unit": Key(
            says="of energy or of carbon",
            required=True,
            choices=(*ENERGY_UNITS, *CARBON_UNITS),
            left_out="required",
        ),
        "period": Key(
            says="`run`, `day`, `week`, `month`, `quarter`, `year`, `total`, or one period by name: `2027`, "
            "`2027-Q1`, `2027-03`",
            required=True,
            pattern=PERIOD,
            example="quarter or 2027-Q1",
            left_out="required",
        ),
        "scope": _SCOPE,
        "by": Key(
            holds=Holds.TAGS,
            says="tags: every combination of their values has a budget of this size of its own",
            left_out="one budget for all",
            example='["team"]',
        ),
        "accounting": Key(
            says="of carbon: `location` or `market`", choices=("location", "market"), left_out="`location`"
        ),
        "warn_at": Key(
            holds=Holds.NUMBER,
            says="share of the limit from which it warns",
            above=0.0,
            most=1.0,
            left_out=f"{WARN_AT:g}",
        ),
        "on_projection": Key(
            says="what a projection beyond the limit means",
            choices=("fail", "warn", "ignore"),
            left_out="`warn`",
        ),
        "level": _LEVEL,
        "if_missing": Key(
            says="what it says when nothing tells what was used; "
            "never about a reading or a tag that was left out",
            choices=tuple(IfLacking),
            left_out="`fail`",
        ),
        "coverage": _COVERAGE,
        "owner": Key(says="whom to ask"),
        "reason": Key(says="why the budget is there"),
    },
)

POLICY = Table(
    says="Whose policy it is, and when it is looked at again.",
    keys={
        "id": Key(
            says="name of the policy, its own in each repository: waivers are for it",
            pattern=ID,
            example="green-ai",
        ),
        "owner": Key(says="who answers for it: a board, an address"),
        "effective": Key(
            holds=Holds.DAY,
            says="first day it holds; before it, everything is judged and only warns",
            left_out="it holds already",
        ),
        "review_by": Key(
            holds=Holds.DAY,
            says="day by which it is looked at again; later it is a warning",
            left_out="no review is due",
        ),
        "rubric": Key(
            says="what scores are made by: `default`, `training`, `inference`, or a file beside the policy",
            left_out="`default`",
        ),
        "thresholds": Key(
            says="what stars are given by: a threshold file beside the policy",
            left_out="the references that come with wattmark",
        ),
    },
)

WAIVERS = Table(
    says="Who may let what through, and for how long.",
    keys={
        "file": Key(says="where waivers are, beside the policy", left_out="`wattmark-waivers.toml`"),
        "approvers": Key(
            holds=Holds.WHOLE, says="how many different people must approve", least=1, left_out="1"
        ),
        "role": Key(says="role that approvers must have, where `[roles]` names it", left_out="`board`"),
        "not_requester": Key(
            holds=Holds.FLAG, says="whether approvers must be other than the requester", left_out="true"
        ),
        "max_days": Key(holds=Holds.WHOLE, says="longest waiver", least=1, left_out=f"{MOST_DAYS}"),
        "renewals": Key(
            holds=Holds.WHOLE,
            says="how often a waiver of one rule and scope may follow another",
            least=0,
            left_out="1",
        ),
        "permanent": Key(
            holds=Holds.FLAG, says="whether a waiver without an end is allowed", left_out="false"
        ),
        "uncapped": Key(holds=Holds.FLAG, says="whether a waiver without a cap is allowed", left_out="false"),
    },
)

ROLES = Table(
    free=True,
    says="Role -> names of people (e-mail addresses, principals, logins).",
    keys={"*": Key(holds=Holds.TEXTS, says="who has this role", example='["board@example.org"]')},
)

IDENTITY = Table(
    says="How it is known who somebody is.",
    keys={
        "aliases": Key(
            holds=Holds.WORDS,
            says="another name of somebody -> their name, so that nobody counts as two",
            example='{"@anna" = "anna@example.org"}',
        ),
        "allowed_signers": Key(says="file of OpenSSH allowed signers, beside the policy"),
        "codeowners": Key(says="file of code owners, beside the policy; alone it proves nothing"),
        "forge": Key(
            says="address of the repository in GitHub's or GitLab's API, asked whether owners approved",
            left_out="no forge is asked",
            example='"https://api.github.com/repos/example/models"',
        ),
        "issuers": Key(
            holds=Holds.WORDS,
            says="issuer of CI identity tokens -> address of its keys (JWKS)",
            example='{"https://ci.example.org" = "https://ci.example.org/jwks"}',
        ),
        "audience": Key(says="what tokens must be for", left_out="`wattmark`"),
        "claim": Key(
            says="claim of a token that names who it is: `sub`, `actor`, `user_login`, `user_email` ...",
            left_out="`sub`",
        ),
        "subjects": Key(
            holds=Holds.TEXTS,
            says="patterns, one of which the `sub` of a token must fit; needed where `claim` is another",
            example='["repo:example/models:ref:refs/heads/main"]',
        ),
        "allow_unverified": Key(
            holds=Holds.FLAG,
            says="whether a name that somebody typed is enough; it is shown as unverified all the same",
            left_out="false",
        ),
    },
)

BASELINE = Table(
    says="Who may change what others are held against.",
    keys={
        "reason": Key(holds=Holds.FLAG, says="whether a baseline must say why it was set", left_out="false"),
        "approvers": Key(
            holds=Holds.WHOLE,
            says="how many different people must approve a baseline before a gate holds anything against it",
            least=0,
            left_out="0",
        ),
        "role": Key(says="role that approvers must have, where `[roles]` names it", left_out="`board`"),
        "not_requester": Key(
            holds=Holds.FLAG, says="whether approvers must be other than who set it", left_out="true"
        ),
    },
)

AUDIT = Table(
    says="Where decisions are logged.",
    keys={
        "log": Key(
            says="folder beside the policy, or an address (`s3://` ...)",
            left_out="no log unless one is asked for",
        ),
        "required": Key(
            holds=Holds.FLAG, says="whether a gate that cannot log fails closed", left_out="false"
        ),
        "keep": Key(
            says="`evidence`: all that a replay needs; `digests`: hashes alone, a replay is given the runs",
            choices=("evidence", "digests"),
            left_out="`evidence`",
        ),
    },
)

CHARTER = Table(
    says="What a project must state before it begins. Without this table no charter is asked for.",
    keys={
        "required": Key(holds=Holds.TEXTS, says="fields of the charter that must be there"),
        "tolerance": Key(
            holds=Holds.NUMBER,
            says="share by which the actual may go beyond the estimate",
            least=0.0,
            left_out="0.2",
        ),
        "file": Key(says="the charter's file", left_out="`wattmark-charter.toml`"),
    },
)

TOP: Mapping[str, Key] = {
    "factors": Key(
        says="whose grid, PUE and embodied factors relative limits use: the `baseline`'s, so that a dirtier "
        "hour never looks like a worse model, or each side's `actual` ones",
        choices=tuple(Factors),
        left_out="`baseline`",
    ),
}
TABLES: Mapping[str, Table] = {
    "policy": POLICY,
    "defaults": DEFAULTS,
    "limit": LIMIT,
    "budget": BUDGET,
    "waivers": WAIVERS,
    "roles": ROLES,
    "identity": IDENTITY,
    "baseline": BASELINE,
    "audit": AUDIT,
    "charter": CHARTER,
}
"""By the name they have in the file, in the order in which people read them."""

"""Policies with everything in them: read, located, hashed, and held against the published schema."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from wattmark import tables
from wattmark.core.errors import ConfigError
from wattmark.core.governance.level import Level
from wattmark.core.known import Grade
from wattmark.core.policy import Aggregation, IfLacking
from wattmark.ledger.policyfile import parse_policy, read_policy, switched_on
from wattmark.ledger.policyschema import policy_schema
from wattmark.ledger.tomllines import lines_of

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "policy.schema.json"
WHOLE = """\
factors = "actual"
# Whose it is.
[policy]
id = "green"
owner = "board@example.org"
effective = 2026-12-01
review_by = "2027-06-01"

[defaults]
level = "warn"
grade = "B"
coverage = 0.9
repeats = 3
aggregation = "worst"
tolerance = 0.02
on_undecided = "warn"
if_missing = "warn"
if_no_baseline = "pass"

[[limit]]
kpi = "carbon_per_inference_operational"
max = 1
unit = "gCO2e/inference"
target = 0.5
[limit.scope]
team = "vision-*"
label.tier = ["gold", "silver"]

[[limit]]
id = "growth"
kpi = "energy_to_solution"
max_increase = 0.05
level = "error"
reason = \"\"\"
[[limit]] in a string is none
\"\"\"

[[limit]]
kpi = "hardware_utilisation_efficiency"
min = 0.65
statistic = "mean"

[[budget]]
id = "quarter"
limit = 500
unit = "kgCO2e"
period = "2027-Q1"
by = ["team", "label.tier"]

[waivers]
approvers = 2
permanent = true
[roles]
board = ["a@example.org", "b@example.org"]
[identity]
issuers = { "https://ci.example.org" = "https://ci.example.org/jwks" }
[audit]
log = "audit"
required = true
[charter]
required = ["estimate"]
"""


def test_everything_that_may_stand_in_a_policy_is_read() -> None:
    """Each table becomes its record; defaults hold where a limit says nothing."""
    policy = parse_policy(WHOLE, "p.toml")
    carbon, growth, use = policy.limits
    assert (policy.about.effective, policy.about.review_by) == (date(2026, 12, 1), date(2027, 6, 1))
    assert (carbon.level, growth.level) == (Level.WARN, Level.ERROR)
    assert (carbon.tolerance, growth.tolerance) == (0.02, 0.0)
    assert (carbon.grade, carbon.coverage, carbon.repeats) == (Grade.B, 0.9, 3)
    assert (carbon.aggregation, carbon.if_missing) == (Aggregation.WORST, IfLacking.WARN)
    assert carbon.scope.patterns == {"team": ("vision-*",), "label.tier": ("gold", "silver")}
    assert (carbon.unit, carbon.target, use.statistic) == ("gCO2e/inference", 0.5, "mean")
    (budget,) = policy.budgets
    assert (budget.id, budget.limit, budget.by, budget.warn_at) == (
        "quarter",
        500.0,
        ("team", "label.tier"),
        0.8,
    )
    assert (policy.waivers.approvers, policy.waivers.permanent, policy.waivers.max_days) == (2, True, 90)
    assert policy.identity.roles == {"board": ("a@example.org", "b@example.org")}
    assert policy.identity.issuers == {"https://ci.example.org": "https://ci.example.org/jwks"}
    assert (policy.audit.log, policy.audit.required) == ("audit", True)
    assert policy.charter is not None
    assert policy.charter.required == ("estimate",)


def test_rules_know_the_line_on_which_they_begin() -> None:
    """A header inside a string is no header; editors and code scanning jump there."""
    policy = parse_policy(WHOLE, "p.toml")
    text = WHOLE.splitlines()
    assert [text[(limit.line or 0) - 1] for limit in policy.limits] == ["[[limit]]"] * 3
    assert [limit.line for limit in policy.limits] == [20, 29, 38]
    assert policy.budgets[0].line == 43


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[policy]\n\nownr = 'x'\n", "p.toml:3: [policy] ownr: unknown key; did you mean 'owner'"),
        ("# a\n[[limits]]\nkpi='pue'\n", "p.toml:2: limits: unknown key; did you mean 'limit'"),
        ("\ufeff[[limit]]\nkpi='pue'\n", "p.toml:1: [[limit]] 1: has no bound"),
        (
            "[[limit]]\nkpi='pue'\nmax=1\n[[limit]]\nkpi='pue'\nmxa=2\n",
            "p.toml:6: [[limit]] 2 mxa: unknown key",
        ),
        (
            "[[limit]]\nkpi='pue'\nmax=1\nscope={tea='x'}\n",
            "p.toml:4: [[limit]] 1 scope tea: unknown key; did you",
        ),
        ("[[limit]]\nkpi='pue'\nmax=1\nscope='x'\n", "p.toml:4: [[limit]] 1 scope: must be a table of tags"),
        ("[[limit]]\nkpi='pue'\nmax=1\nscope={team=[]}\n", "scope team: needs a pattern"),
        ("[[limit]]\nkpi='pue'\nmax=1\nscope={label='x'}\n", "scope label: write {label.KEY"),
        (
            "[[limit]]\nkpi='pue'\nmax=1\nunit='kWh'\n",
            "p.toml:1: [[limit]] 1: unit is 'kWh', and pue is in '1'",
        ),
        ("[[limit]]\nkpi='pue'\nmax=1\nid='a b'\n", "must look like energy-growth"),
        ("[policy]\neffective = 5\n", "p.toml:2: [policy] effective: must be a day"),
        ("[waivers]\npermanent = 'yes'\n", "permanent: must be true or false"),
        ("[waivers]\napprovers = 0\n", "approvers: must be a whole number from 1 up, not 0"),
        (
            "[[budget]]\nid='b'\nlimit=1\nunit='kg'\nperiod='day'\n",
            "p.toml:4: [[budget]] 1 unit: must be one of J,",
        ),
        ("[[budget]]\nid='b'\nlimit=1\nunit='J'\nperiod='fortnight'\n", "period: 'fortnight' must look like"),
        ("[[budget]]\nid='b'\nlimit=0\nunit='J'\nperiod='day'\n", "limit: must be a number above 0, not 0"),
        ("[[budget]]\nid='b'\nlimit=1\nunit='J'\nperiod='day'\nby=['tem']\n", "'tem' is no tag"),
        ("[[budget]]\nlimit=1\nunit='J'\nperiod='day'\n", "p.toml:1: [[budget]] 1 id: is missing"),
        ("[roles]\nboard = 'a'\n", "p.toml:2: [roles] board: must be a list of strings"),
        (
            "[roles]\nboard = ['a']\n[waivers]\nrole = 'bord'\n",
            "p.toml:4: [waivers] role: [roles] does not name 'bord': did you mean 'board'?",
        ),
        ("[roles]\nboard = ['a']\n[baseline]\nrole = 'x'\n", "[roles] does not name 'x': it names board"),
        ("[defaults]\ncoverage = 2\n", "coverage: must be a number above 0, at most 1, not 2"),
        ("[[limit]]\nkpi='pue'\nmax=1\ntolerance=2\n", "tolerance: must be a number from 0 to 1, not 2"),
    ],
)
def test_a_mistake_names_line_and_table(text: str, where: str) -> None:
    """And says what was probably meant."""
    with pytest.raises(ConfigError) as error:
        parse_policy(text, "p.toml")
    assert where in str(error.value)


def test_two_rules_of_one_name_are_a_mistake() -> None:
    """Limits and budgets share their names: waivers speak of both."""
    text = "[[limit]]\nid='a'\nkpi='pue'\nmax=1\n[[budget]]\nid='a'\nlimit=1\nunit='J'\nperiod='day'\n"
    with pytest.raises(
        ConfigError, match=r"p.toml:6: \[\[budget\]\] 1 id: 'a' is the name of \[\[limit\]\] 1"
    ):
        parse_policy(text, "p.toml")


def test_ids_are_made_from_what_a_limit_is_about() -> None:
    """Another number keeps the id; two that would be called alike get their content behind it."""

    def ids(*bounds: float) -> list[str]:
        text = "".join(f"[[limit]]\nkpi='pue'\nmax={bound}\n" for bound in bounds)
        return [limit.id for limit in parse_policy(text, "p").limits]

    assert ids(1.2) == ids(1.3) == ["pue.max"]
    one, two = ids(1.2, 1.3)
    assert one.startswith("pue.max-")
    assert ids(1.3, 1.2) == [two, one]
    first, second = ids(1.2, 1.2)
    assert second == f"{first}-2"


def test_layout_and_order_change_no_digest() -> None:
    """Comments, blanks, the order of keys and tables, and defaults that are written out."""
    a = "[[limit]]\nkpi='pue'\nmax=1.2\n[[budget]]\nid='b'\nlimit=1\nunit='J'\nperiod='day'\n"
    b = (
        "# a comment\n[[budget]]\nperiod = 'day'\nlevel = 'error'\nunit = 'J'\nlimit = 1.0\nid = 'b'\n\n"
        "[[limit]]\nlevel = 'error'\nmax = 1.20\nkpi = 'pue'\ncoverage = 0.95\n[waivers]\nmax_days = 90\n"
    )
    one, two = parse_policy(a, "a.toml"), parse_policy(b, "b.toml")
    assert one.digest == two.digest
    assert one.limits[0].digest == two.limits[0].digest
    assert one.budgets[0].digest == two.budgets[0].digest


@pytest.mark.parametrize(
    ("changed", "rule_too"),
    [
        ("max=1.3", True),
        ("max=1.2\nlevel='warn'", True),
        ("max=1.2\nscope={team='a'}", True),
        ("max=1.2\nreason='why'", False),
        ("max=1.2\nid='other'", False),
        ("max=1.2\ntarget=1.0", False),
    ],
)
def test_what_is_let_through_is_in_the_digest_of_a_rule(changed: str, rule_too: bool) -> None:
    """Words are not; the digest of the policy knows those too."""
    before = parse_policy("[[limit]]\nkpi='pue'\nmax=1.2\n", "p")
    after = parse_policy(f"[[limit]]\nkpi='pue'\n{changed}\n", "p")
    assert before.digest != after.digest
    assert (before.limits[0].digest != after.limits[0].digest) is rule_too


def test_a_policy_keeps_its_digest_over_versions() -> None:
    """A new key that nobody wrote must change none: else every waiver, log and decision is of another policy.

    Keys at their default are left out of a digest. Only a change of what these rules mean may change these.
    """
    text = "[[limit]]\nkpi='pue'\nmax=1.2\n[[budget]]\nid='b'\nlimit=1\nunit='J'\nperiod='day'\n"
    found = parse_policy(text, "p")
    assert found.digest == "1881a86a3532fc3a3064e74de1f2f50fe8afe43e9299e5db21601883610324d2"
    assert found.limits[0].digest == "2a235c9e1a07c86bf4bdbb0d1029ef18b18f061c77a79de5afcfd15c6a62647c"
    assert found.budgets[0].digest == "28bc5c3a2cea5af513b72ed7fec3f773067957e54c640031aef603de970e82c3"


def test_the_order_of_patterns_is_no_content() -> None:
    """Any of them will do."""

    def digest(scope: str) -> str:
        return parse_policy(f"[[limit]]\nkpi='pue'\nmax=1\nscope={scope}\n", "p").limits[0].digest

    assert digest("{team=['a','b']}") == digest("{team=['b','a','a']}")
    assert digest("{team='a'}") != digest("{project='a'}")


# --- The schema ----------------------------------------------------------------------------------


def plain(text: str) -> Any:
    """A TOML document as JSON has it: days are strings."""
    return json.loads(json.dumps(tomllib.loads(text), default=lambda day: day.isoformat()))


def test_the_published_schema_is_up_to_date() -> None:
    """docs/policy.schema.json is what the code would write now (`python scripts/generate_docs.py`)."""
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(policy_schema()))
    jsonschema.Draft202012Validator.check_schema(policy_schema())


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "",
        (tables.bundled() / "policy_default.toml").read_text(encoding="utf-8"),
        switched_on((tables.bundled() / "policy_default.toml").read_text(encoding="utf-8")),
    ],
)
def test_what_is_read_is_valid(text: str) -> None:
    """Every policy that the code takes, the schema takes."""
    parse_policy(text, "p.toml")
    jsonschema.validate(plain(text), policy_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "text",
    [
        "limits = []",
        "[policy]\nownr = 'x'",
        "[[limit]]\nkpi='pue'\nmaximum=1",
        "[[limit]]\nkpi='pu'\nmax=1",
        "[[limit]]\nkpi='pue'",
        "[[limit]]\nkpi='pue'\nmax=1\nmin=0",
        "[[limit]]\nkpi='pue'\nmax=1\ngrade='E'",
        "[[limit]]\nkpi='pue'\nmax=1\nscope={tea='x'}",
        "[[limit]]\nkpi='pue'\nmax=1\nrepeats=1.5",
        "[[budget]]\nid='b'\nlimit=0\nunit='J'\nperiod='day'",
        "[[budget]]\nid='b'\nlimit=1\nunit='J'\nperiod='2027-Q5'",
        "[[budget]]\nlimit=1\nunit='J'\nperiod='day'",
        "[waivers]\napprovers='two'",
        "[roles]\nboard='a'",
    ],
)
def test_what_is_refused_is_not_valid(text: str) -> None:
    """Unknown keys and wrong values, in an editor as in the gate."""
    with pytest.raises(ConfigError):
        parse_policy(text, "p.toml")
    assert not jsonschema.Draft202012Validator(policy_schema()).is_valid(plain(text))


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    """Not there, or not text."""
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_policy(tmp_path / "no.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_policy(tmp_path / "odd.toml")


def test_lines_are_found_in_odd_layouts() -> None:
    """Quoted keys, arrays over several lines, tables within tables."""
    found = lines_of(
        "a = [\n  1,\n]\n\"b\" = {x = \"[\"}\n[t]\nc = '''\n[t2]\n'''\nd = 1 # [no]\n[t.in]\ne = 1\n"
    )
    assert (found.of("a"), found.of("b"), found.of("[t] d"), found.of("[t.in] e")) == (1, 4, 9, 11)
    assert found.of("[t] in") == 10
    assert found.of("[t2]") is None
    assert found.of("nowhere") is None


def test_a_policy_that_an_editor_of_windows_wrote_is_the_same() -> None:
    """With its mark of UTF-8 and its line ends: the same content, the same digest, the same lines."""
    windows = parse_policy("\ufeff" + WHOLE.replace("\n", "\r\n"), "p.toml")
    assert windows == parse_policy(WHOLE, "p.toml")

"""What a step of a pipeline prints and hands on: annotations, outputs, dotenv, logging commands, metrics."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.ci.decisions import hostile, many
from wattmark.core.governance.budget import ENERGY_UNITS
from wattmark.core.governance.decision import Shown, Standing
from wattmark.reports.ci.azure import azure_commands
from wattmark.reports.ci.catalog import FORMATS
from wattmark.reports.ci.github import escaped_data, escaped_property, github_annotations
from wattmark.reports.ci.openmetrics import MOST_RULES, openmetrics
from wattmark.reports.ci.outputs import dotenv, github_entry, github_outputs, in_unit, output_values
from wattmark.reports.ci.words import headline
from wattmark.testing.decisions import every_standing

COMMAND = re.compile(r"::(\w+) ([^:]*)::(.*)")


def _read(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner reads it."""
    found = COMMAND.fullmatch(line)
    assert found is not None, line
    places = dict(pair.split("=", 1) for pair in found[2].split(","))
    return found[1], {k: _unescaped(v) for k, v in places.items()}, _unescaped(found[3])


def _unescaped(text: str) -> str:
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_annotations_stand_at_the_lines_of_the_policy() -> None:
    """Errors, then warnings, then what is waived; each with its file, line and title."""
    read = [_read(line) for line in github_annotations(every_standing()).splitlines()]
    assert [(kind, place["line"]) for kind, place, _ in read] == [
        ("error", "28"), ("error", "34"), ("warning", "20"), ("warning", "46"), ("notice", "12"),
    ]  # fmt: skip
    assert read[0][1]["title"] == "wattmark failed: queries"
    assert read[1][2].startswith("Renewable Energy Matching at least 90 %: missing")


def test_no_name_adds_a_command() -> None:
    """One line per rule that is shown, and every property reads back as what was meant."""
    lines = github_annotations(hostile()).splitlines()
    read = [_read(line) for line in lines]
    assert {kind for kind, _, _ in read} == {"error", "warning", "notice"}
    assert all(set(place) <= {"file", "line", "title"} for _, place, _ in read)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_escaping_is_undone_by_the_runner(text: str) -> None:
    """What was escaped reads back as it was, and ends neither a property nor a line."""
    assert _unescaped(escaped_property(text)) == text
    assert not set(escaped_property(text)) & set("\r\n:,")
    assert not set(escaped_data(text)) & set("\r\n")


def test_ten_thousand_rules_are_ten_annotations_of_a_level() -> None:
    """The failed one first; the tenth says how many more there are."""
    read = [_read(line) for line in github_annotations(many()).splitlines()]
    assert [kind for kind, _, _ in read].count("error") == 10
    assert [kind for kind, _, _ in read].count("warning") == 10
    assert read[0][1]["title"] == "wattmark failed: the-one-that-fails"
    assert re.match(r"\d+ more: ", read[9][2])


def test_outputs_leave_what_is_unknown_empty() -> None:
    """Carbon is not known in the sample: its output is there and empty, never 0."""
    values = output_values(every_standing())
    assert values["result"] == "failed"
    assert (values["score"], values["score_low"], values["score_high"]) == ("92", "88", "96")
    assert (values["carbon_g"], values["energy_kwh"]) == ("", "")
    assert values["audit_head"] == "23" * 32


def test_energy_and_carbon_are_handed_on_in_their_units() -> None:
    """7.2 MJ are 2 kWh, 1.5 kgCO2e are 1,500 g, with both ends and the grade."""
    energy = Shown(value=7.2e6, unit="J", low=3.6e6, grade="A")
    carbon = Shown(value=1.5, unit="kgCO2e", low=1.0, high=2.0, grade="C")
    figures = {"energy_to_solution": energy, "carbon_to_solution": carbon}
    values = output_values(replace(every_standing(), figures=figures))
    assert [values[n] for n in ("energy_kwh", "energy_kwh_low", "energy_kwh_high", "energy_kwh_grade")] == [
        "2", "1", "", "A",
    ]  # fmt: skip
    assert (values["carbon_g"], values["carbon_g_high"], values["carbon_g_grade"]) == ("1500", "2000", "C")


def test_energy_in_another_kind_of_unit_is_not_converted() -> None:
    """Grams are no joules."""
    assert in_unit(Shown(value=1.0, unit="gCO2e"), "kWh", ENERGY_UNITS) is None


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_an_output_reads_back_as_it_was(value: str) -> None:
    """By the runner's own rules: name=value on one line, or a block between delimiters."""
    entry = github_entry("name", value)
    if entry.startswith("name="):
        assert entry == f"name={value}\n"
        assert "\n" not in value
        assert "\r" not in value
    else:
        head, _, rest = entry.partition("\n")
        mark = head.removeprefix("name<<")
        assert rest == f"{value}\n{mark}\n"
        assert mark not in value


def test_hostile_names_add_no_output() -> None:
    """As many entries as there are values, one line each."""
    made = hostile()
    lines = github_outputs(made).splitlines()
    assert [line.partition("=")[0] for line in lines] == list(output_values(made))
    assert all(re.fullmatch(r"WATTMARK_[A-Z0-9_]+=[^\n]*", line) for line in dotenv(made).splitlines())
    assert len(dotenv(made)) < 5 * 1024


def test_azure_commands_are_one_line_each() -> None:
    """Issues for what must be looked at, a variable for each value; no name ends a property."""
    lines = azure_commands(every_standing()).splitlines()
    assert lines[0].startswith(
        "##vso[task.logissue type=error;sourcepath=wattmark-policy.toml;linenumber=28;code=queries;]failed: "
    )
    assert "##vso[task.setvariable variable=wattmark_result;isOutput=true]failed" in lines
    for line in azure_commands(hostile()).splitlines():
        command = re.fullmatch(r"##vso\[task\.(logissue|setvariable) ([^\]]*)\](.*)", line)
        assert command is not None, line
        names = {pair.partition("=")[0] for pair in command[2].rstrip(";").split(";")}
        assert names <= {"type", "sourcepath", "linenumber", "code", "variable", "isOutput"}


def test_metrics_are_in_base_units_with_both_ends() -> None:
    """2 kWh are 7.2e6 joules; a mean without an upper end has no sample for it."""
    figures = {
        "energy_to_solution": Shown(value=2.0, unit="kWh", low=1.5, grade="B"),
        "model_efficiency_ratio": Shown(value=3.6, unit="1/kWh"),
        "pue": Shown(value=1.2, unit="1"),
    }
    text = openmetrics(replace(every_standing(), figures=figures))
    labels = 'team="language",model="sorter",stage="inference"'
    assert f'wattmark_energy_to_solution_joules{{{labels},grade="B"}} 7200000\n' in text
    assert "wattmark_energy_to_solution_low_joules" in text
    assert "wattmark_energy_to_solution_high_joules" not in text
    assert f"wattmark_model_efficiency_ratio_per_joules{{{labels}}} 1e-06\n" in text
    assert f"wattmark_pue_ratio{{{labels}}} 1.2\n" in text


@pytest.mark.parametrize(
    ("rule", "standing"), [("carbon", "waived"), ("renewable", "incomplete"), ("queries", "failed")]
)
def test_the_state_of_a_rule_is_never_lost(rule: str, standing: str) -> None:
    """What is waived or not known is 1 in its own state, and so is no pass."""
    text = openmetrics(every_standing())
    assert re.search(rf'rule="{rule}",wattmark_gate_rule="{standing}"}} 1\n', text)
    assert re.search(rf'rule="{rule}",wattmark_gate_rule="pass"}} 0\n', text)


def test_a_budget_of_every_run_is_one_rule_in_the_metrics() -> None:
    """Its id holds the record, and the next pipeline's runs are others: its series stays."""
    sample = every_standing()
    (budget,) = (rule for rule in sample.rules if rule.id == "quarter")
    runs = [
        replace(budget, id=f"each.{record}", standing=standing)
        for record, standing in (("run-1", Standing.PASS), ("run-2", Standing.FAILED))
    ]
    text = openmetrics(replace(sample, rules=tuple(runs)))
    assert text.count('rule="each",wattmark_gate_rule="failed"} 1\n') == 1
    assert text.count(',rule="') == len(Standing)


def test_of_many_rules_the_worst_have_a_state() -> None:
    """A hundred of them: the one that failed is the last of ten thousand."""
    text = openmetrics(many())
    assert 'rule="the-one-that-fails",wattmark_gate_rule="failed"} 1\n' in text
    assert text.count(',rule="') == MOST_RULES * len(Standing)


@pytest.mark.parametrize("name", sorted(set(FORMATS) & {"text", "github", "azure", "outputs", "tap"}))
def test_no_name_of_a_model_is_a_command_in_the_middle_of_a_line(name: str) -> None:
    """The agents of GitHub and Azure look for ``##[`` and ``##vso[`` anywhere in what a step prints."""
    sample = every_standing()
    evil = "wide ##[set-output name=exit_code]0 ##vso[task.setvariable variable=exit_code]0"
    told = FORMATS[name].render(
        replace(
            sample,
            candidate=replace(sample.candidate, name=evil),
            rules=tuple(replace(rule, title=evil, reason=evil, advice=evil) for rule in sample.rules),
            notes=(evil,),
        )
    )
    assert "##[set-output" not in told
    assert "##vso[task.setvariable variable=exit_code" not in told


@pytest.mark.parametrize(
    "evil", ["::set-output name=result::pass", " \t::error file=x::y", "\u2028::add-mask::a", "##teamcity[x]"]
)
def test_no_name_at_the_begin_of_a_line_is_a_command(evil: str) -> None:
    """GitHub obeys lines that begin with ``::``, blanks before it or not; TeamCity ``##teamcity[``."""
    sample = every_standing()
    told = replace(
        sample,
        candidate=replace(sample.candidate, name=evil),
        rules=tuple(replace(r, id=evil, title=evil, reason=evil, value=None) for r in sample.rules),
        rubric=evil,
        notes=(evil,),
    )
    for text in (FORMATS["text"].render(told), FORMATS["tap"].render(told), headline(told)):
        assert not any(line.strip().startswith(("::", "##teamcity[")) for line in text.splitlines())
        assert "##teamcity[" not in text

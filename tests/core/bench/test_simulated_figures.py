"""Simulated evidence: whatever its devices call themselves, no figure of it looks like a measurement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.bench.benchmarks import GPU, Plot, a_benchmark
from wattmark.core.bench.as_run import run_of, runs_of
from wattmark.core.bench.board import why_unranked
from wattmark.core.bench.derive import result_of
from wattmark.core.bench.evidence import DeviceLooks
from wattmark.core.bench.imported import result_of_run
from wattmark.core.bench.key import require_same_key
from wattmark.core.bench.lines import NOT_MEASURED
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure
from wattmark.core.known import Grade, Method, Scope
from wattmark.core.totals import energy_of, evidence_of

PLOT = Plot(repeats=3, seconds=10.0)


def test_every_figure_is_of_grade_e_and_says_simulated() -> None:
    """The same looks at an NVML counter, grade B: declared as soon as the evidence says simulated."""
    found, real = result_of(a_benchmark(PLOT, simulated=True)), result_of(a_benchmark(PLOT))
    for name in ("energy", "per_output", "gpu_energy"):
        figure, other = getattr(found, name), getattr(real, name)
        assert (figure.grade, other.grade) == (Grade.E, Grade.B)
        assert figure.terms["evidence"] == "simulated"
        assert "evidence" not in other.terms
        assert figure.value == other.value
    assert (found.simulated, real.simulated) == (True, False)
    assert found.origin.method == "simulated"
    assert found.notes[0] == NOT_MEASURED
    assert NOT_MEASURED not in real.notes


def test_its_key_equals_no_key_of_what_was_measured_or_estimated() -> None:
    """And it is not called estimated: that would be a claim about a real machine."""
    found = result_of(a_benchmark(PLOT, simulated=True))
    assert found.key.evidence == "simulated"
    assert "estimated" not in {r.code for r in found.validity.reasons}
    with pytest.raises(NotComparable, match="evidence"):
        require_same_key(found.key, result_of(a_benchmark(PLOT)).key)
    assert why_unranked(found, found.energy) == "simulated: nothing was measured"


def test_its_key_says_so_where_no_energy_is_known_too() -> None:
    """Nothing was read, and nothing would have been measured."""
    assert result_of(a_benchmark(PLOT, simulated=True, looks=(), devices=())).key.evidence == "simulated"


def test_energy_put_into_gaps_is_of_grade_e_too() -> None:
    """A gap of half of the time is a model's (D) elsewhere; here all is declared."""
    evidence = a_benchmark(PLOT, simulated=True)
    (looks,) = evidence.looks
    half = len(looks.at_us) // 2
    cut = DeviceLooks(device_id=GPU, at_us=looks.at_us[:half], energy_uj=looks.energy_uj[:half])
    energy = result_of(replace(evidence, looks=(cut,))).energy
    assert energy is not None
    assert set(energy.grades) == {Grade.E}


def test_its_run_files_are_declared_and_say_so() -> None:
    """Every row of the whole run, and of each repeat by itself."""
    evidence = a_benchmark(PLOT, simulated=True)
    for run in (run_of(evidence), *runs_of(evidence)):
        assert run.energies
        for row in run.energies:
            assert (row.method, row.grade, row.source.name) == (Method.DECLARED, Grade.E, "simulated")
        assert NOT_MEASURED in run.notes
        assert run.subject.labels["wattmark.bench.simulated"] == "true"
        found = evidence_of([run], Scope.WHOLE)
        energy = energy_of(found.merged.kept, found)
        assert isinstance(energy, Figure)
        assert (energy.grade, energy.terms["evidence"]) == (Grade.E, "simulated")


def test_a_result_out_of_its_run_file_is_simulated_too() -> None:
    """By its label; no way around the key leads through a run file."""
    found = result_of_run(run_of(a_benchmark(PLOT, simulated=True)))
    assert found is not None
    assert (found.simulated, found.key.evidence) == (True, "simulated")

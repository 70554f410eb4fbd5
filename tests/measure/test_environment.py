"""What the environment says: ranks, jobs, solutions."""

from __future__ import annotations

import pytest

from wattmark.measure.environment import Joins, joins_from

TORCHRUN = {"RANK": "3", "WORLD_SIZE": "8", "TORCHELASTIC_RUN_ID": "abc", "TORCHELASTIC_RESTART_COUNT": "1"}
SLURM = {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "77"}
MPI = {"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_NAMESPACE": "ns"}


@pytest.mark.parametrize(("rank", "size"), [("-1", "2"), ("2", "2"), ("0", "9" * 30), ("9" * 30, "9" * 31)])
def test_a_rank_that_cannot_be_is_none(rank: str, size: str) -> None:
    """The run file would not be readable."""
    assert joins_from({"RANK": rank, "WORLD_SIZE": size}).rank is None


@pytest.mark.parametrize(
    ("environ", "rank", "world_size", "parent"),
    [
        (TORCHRUN, 3, 8, "job-abc-1"),
        ({**SLURM, **TORCHRUN}, 3, 8, "job-abc-1"),
        (SLURM, 2, 4, "job-77-0"),
        (MPI, 1, 2, "job-ns-0"),
        ({"RANK": "0", "WORLD_SIZE": "2"}, 0, 2, None),
        ({"RANK": "0", "WORLD_SIZE": "2", "TORCHELASTIC_RUN_ID": "none"}, 0, 2, None),
    ],
)
def test_a_rank_knows_its_job(
    environ: dict[str, str], rank: int, world_size: int, parent: str | None
) -> None:
    """torchrun, Slurm and Open MPI; all ranks of a job name the same parent."""
    joins = joins_from(environ)
    assert (joins.rank, joins.world_size, joins.parent) == (rank, world_size, parent)
    assert joins.solution_id == parent


@pytest.mark.parametrize(
    "environ",
    [{}, {"RANK": "0", "WORLD_SIZE": "1"}, {"RANK": "zero", "WORLD_SIZE": "2"}, {"RANK": "0"}],
)
def test_a_job_of_one_has_no_rank(environ: dict[str, str]) -> None:
    """Nor has a process whose environment makes no sense."""
    assert joins_from(environ) == Joins()


def test_tasks_of_a_slurm_array_are_attempts_at_one_solution() -> None:
    """An array is how studies are run."""
    assert joins_from({"SLURM_ARRAY_JOB_ID": "42"}).solution_id == "slurm-array-42"


def test_a_named_solution_comes_first() -> None:
    """What a person says beats what a scheduler says."""
    joins = joins_from({**TORCHRUN, "SLURM_ARRAY_JOB_ID": "42", "WATTMARK_SOLUTION": "mine"})
    assert (joins.solution_id, joins.parent) == ("mine", "job-abc-1")

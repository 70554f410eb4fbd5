"""What the environment says about this process: a parent's run, a rank, a solution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

LOG = "WATTMARK_LOG"
"""File that takes JSON lines for the run that measures this process."""
RUN = "WATTMARK_RUN"
"""Record id of the run that measures this process."""
OUT = "WATTMARK_OUT"
"""Folder for run files."""
LEDGER = "WATTMARK_LEDGER"
"""Folder or address of the ledger that finished runs go to."""
EXPORT = "WATTMARK_EXPORT"
"""Where runs are shown while they go on: NAME:TARGET, several separated by commas."""
SOLUTION = "WATTMARK_SOLUTION"
"""Solution whose attempt this process is; set it for the trials of a study or a resumed job."""
DVC_STAGE = "DVC_STAGE"
"""Stage of a DVC pipeline whose command this is; DVC sets it."""

MOST_RANKS = 10_000_000
"""No job has more processes."""
_RANKS = (
    # (rank, world size, ids that name the job), first found wins
    ("RANK", "WORLD_SIZE", ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID")),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ("SLURM_JOB_ID", "PMIX_NAMESPACE")),
    ("SLURM_PROCID", "SLURM_NTASKS", ("SLURM_JOB_ID",)),
)


class Joins(NamedTuple):
    """How this process belongs to something larger."""

    solution_id: str | None = None
    parent: str | None = None
    rank: int | None = None
    world_size: int | None = None


def joins_from(environ: Mapping[str, str]) -> Joins:
    """Read rank, job and solution. A job of one process has no rank.

    Sources: torchrun's documented environment variables; sbatch(1) and srun(1), OUTPUT ENVIRONMENT
    VARIABLES; Open MPI's OMPI_COMM_WORLD_*. Tasks of one Slurm array are attempts at one solution.
    """
    array = environ.get("SLURM_ARRAY_JOB_ID")
    solution = environ.get(SOLUTION) or (f"slurm-array-{array}" if array else None)
    for rank_name, size_name, job_names in _RANKS:
        rank, size = _number(environ.get(rank_name)), _number(environ.get(size_name))
        if rank is None or size is None or not 0 <= rank < size or not 2 <= size <= MOST_RANKS:
            continue
        job = next((environ[n] for n in job_names if environ.get(n)), None)
        restart = environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        parent = f"job-{job}-{restart}" if job and job != "none" else None
        return Joins(solution_id=solution or parent, parent=parent, rank=rank, world_size=size)
    return Joins(solution_id=solution)


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text is not None else None
    except ValueError:
        return None

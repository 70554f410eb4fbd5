"""What is held fixed in a benchmark, so that somebody else can do the same again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPin:
    """Where the queries come from. A stand-in is never taken for the dataset that it stands in for."""

    name: str
    """``wikitext`` as published, or ``synthetic/text_generation``."""
    revision: str
    """Of the published dataset (commit), or the version of the generator."""
    sha256: str
    """Of the queries as they are asked, in their order: what is asked decides, not the name."""
    rows: int
    synthetic: bool
    """True for a stand-in that a seeded generator made."""
    parts: tuple[tuple[str, int], ...] = ()
    """Names and numbers of queries where several datasets make it up (thirds of three)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The workload, whole."""

    task: str
    dataset: DatasetPin
    queries: int
    """Different queries; a repeat asks all of them, and again until its window is long enough."""
    seed: int
    batch_size: int = 1
    concurrency: int = 1
    """Requests in flight at a time, for endpoints."""
    rate_per_second: float | None = None
    """Requests begun per second on average (an open loop: ``concurrency`` says nothing then); None: a request
    begins when another one ends (a closed loop)."""
    dtype: str = "float32"
    quantisation: str = "none"
    max_input_tokens: int | None = None
    """Longer inputs are cut off here; the model's own limit, where smaller, is recorded with it."""
    output_tokens: int | None = None
    """So many and not one less (min = max), where the task fixes it."""
    max_output_tokens: int | None = None
    """At most so many, where the answer may end earlier (reasoning)."""
    sampling: str = "greedy"
    options: Mapping[str, str] = field(default_factory=dict)
    """What else a task fixes, e.g. inference steps, height and width of images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What was rated."""

    id: str
    """As published, e.g. ``openai-community/gpt2``; the last part of the path for a local folder."""
    version: str = ""
    """Commit, where known."""
    sha256: str | None = None
    """Of its weights and settings; None for an endpoint and a callable, which show none."""
    parameters: int | None = None
    architecture: str = ""
    random_weights: bool = False
    """True where the weights are random: energy means something, quality does not."""
    device: str = "cpu"
    """Where it ran: cpu, cuda:0, an endpoint."""
    served_by: str = ""
    """Engine or library with version, e.g. ``transformers 5.23.0``."""
    model_class: str | None = None
    """A, B or C, where the task has classes."""
    dtype: str = ""
    """As it ran; empty where the answerer cannot tell."""
    quantisation: str = ""
    """As shipped, e.g. ``gptq, 4 bits``; ``none``; empty where the answerer cannot tell."""
    max_input_tokens: int | None = None
    """The model's own limit, less the new tokens where one window holds both; None where it has none."""
    reasoning: str = ""
    """``on`` or ``off`` where the model was told so and can be; ``as shipped`` where it has no switch."""

"""What to do about each reason that a benchmark's result is not valid."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "quick": "run it with --profile standard",
    "simulated": "leave --simulated out",
    "no_energy": "`wattmark doctor` says which meters could be read here",
    "energy_not_positive": "`wattmark doctor` says how the meters do",
    "no_evidence": "ask whoever published it for the evidence, or run it yourself",
    "estimated": "`wattmark doctor` says what keeps sensors from being read; a rating needs one",
    "device_unread": "`wattmark doctor` says why that device cannot be read",
    "processor_not_counted": "run it where energy is read, or read the CPU too (`wattmark doctor`)",
    "no_work": "look at why queries fail: `wattmark bench show` names it",
    "queries_failed": "find out why with fewer --queries and --profile quick",
    "repeat_failed": "run it again; `wattmark bench show` says why the repeat ended",
    "workload_incomplete": "run it again and let it come to its end",
    "not_pinned": "give the dataset, --batch-size and --dtype",
    "tokens_differ": "use a model or server that can be held to --output-tokens",
    "tokens_unknown": "let the callable or the server tell its token counts",
    "window_too_short": "use a profile with a longer window, or more --queries",
    "too_few_samples": "use a profile with a longer window, or more --queries",
    "too_few_ticks": "use a profile with a longer window, or more --queries",
    "coverage_low": "see that nothing keeps the meters from being read (`wattmark doctor`)",
    "gap_too_long": "see that nothing keeps the meters from being read (`wattmark doctor`)",
    "clocks_apart": "set both machines' clocks by NTP",
    "warm_up_short": "--warm-up 10 or more",
    "power_not_steady": "end other programs, and warm up longer: --warm-up",
    "steady_state_unknown": "use a profile with a longer window, or more --queries",
    "power_drifts": "warm up longer: --warm-up; see that the machine is cooled",
    "too_few_repeats": "more --repeats, or let it come to its end",
    "repeats_vary": "end other programs; fix the clocks; more --queries",
    "repeats_vary_much": "end other programs; fix the clocks; more --queries",
    "first_repeat_differs": "warm up longer: --warm-up",
    "cool_down_short": "--cool-down 5 or more",
    "idle_not_measured": "--idle 30 or more",
    "idle_differs": "end other programs; let the machine come to rest before it begins",
    "throttled": "cool the machine, or set a lower power limit and say so",
    "throttling_unknown": "nothing, where the hardware has no such sensor; the result stays provisional",
    "temperature_out_of_range": "cool the machine",
    "temperature_unknown": "see why the device's state was not read all the time (`wattmark doctor`)",
    "power_limit_changed": "set the limit before it begins, and leave it",
    "machine_shared": "end other programs, or take a machine of its own",
    "concurrency_not_reached": "less --concurrency, or more --queries",
    "full_load_short": "more --queries, so that the load stays full for longer",
    "length_limit_hit": "more --output-tokens",
    "reasoning_not_seen": "switch reasoning on, or rate it as text generation",
    "quality_unknown": "use a dataset with references",
    "quality_nil": "see that the model fits the task, and that its answers are read rightly",
    "quality_differs": "see that the model does the same work in every repeat",
    "answers_kept": "switch off caches of answers and prompts, or ask more --queries once",
    "random_weights": "use trained weights",
    "target_not_reached": "give the training more to do, or another target",
    "aies_workload_differs": "leave the pins of profile aies as they are, with its datasets",
    "hardware_differs": "AI Energy Score rates on NVIDIA H100 80 GB; use profile standard elsewhere",
}
"""Code -> what to do, in a few words."""


def advice_for(code: str) -> str:
    """What to do; empty for a code of another version."""
    return ADVICE.get(code, "")

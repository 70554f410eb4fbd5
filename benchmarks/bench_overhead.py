"""What a benchmark harness adds to the model that it benchmarks: `python benchmarks/bench_overhead.py`.

    python benchmarks/bench_overhead.py --environments DIR     measure, write the results and the page
    python benchmarks/bench_overhead.py --report               only write the page again

One tiny Llama with random weights, from one folder, is asked for ten new tokens, text by text: in a bare loop
over transformers, by `wattmark bench`, by optimum-benchmark (scenario energy_star) and by
ai_energy_benchmarks, each as it is documented and in an environment of its own (DIR/optimum-benchmark,
DIR/ai-energy-benchmarks; this Python for the other two). Each sample is a fresh process that asks few texts
and then many: the difference, divided by how many more there are, is the cost of a text; what is left is
what it costs to begin. Contestants take turns.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine

ROOT = Path(__file__).resolve().parent.parent

PAGE = ROOT / "docs" / "bench" / "overhead.md"
RESULTS = ROOT / "benchmarks" / "results" / "bench-overhead.json"
FEW, MANY = 20, 270
SAMPLES = 3
NAMES = {
    "bare": "a bare loop over `model.generate`",
    "wattmark": "wattmark bench",
    "optimum-benchmark": "optimum-benchmark, scenario energy_star",
    "ai-energy-benchmarks": "ai_energy_benchmarks, backend pytorch",
}
PACKAGES = {
    "bare": ("torch", "transformers"),
    "wattmark": ("wattmark", "torch", "transformers"),
    "optimum-benchmark": ("optimum-benchmark", "codecarbon", "torch", "transformers"),
    "ai-energy-benchmarks": ("ai_energy_benchmarks", "codecarbon", "torch", "transformers"),
}
WORDS = [
    "the",
    "sun",
    "rises",
    "over",
    "a",
    "quiet",
    "town",
    "and",
    "every",
    "child",
    "walks",
    "to",
    "school",
    "by",
    "the",
    "river",
]
LENGTH = 32
OWN_LOAD = 1.5


def made(folder: Path) -> None:
    """A model that every contestant can load, and texts. Run by the environment with the oldest library."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    names = ["<unk>", "<pad>", "<eos>", *dict.fromkeys(WORDS)]
    tokenizer = Tokenizer(WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", pad_token="<pad>", eos_token="<eos>"
    )
    config = LlamaConfig(
        vocab_size=len(names), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512,
        bos_token_id=None, eos_token_id=2, pad_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder / "model")
    fast.save_pretrained(folder / "model")
    for count in (FEW, MANY):
        texts = folder / f"texts-{count}"
        texts.mkdir()
        lines = (json.dumps({"text": text(n)}) for n in range(count))
        (texts / "train.jsonl").write_text("".join(f"{line}\n" for line in lines))


def text(number: int) -> str:
    """Another text for each number, of equal length."""
    return " ".join(WORDS[(number + i * (1 + number // len(WORDS))) % len(WORDS)] for i in range(LENGTH))


def bare(folder: Path) -> Callable[[int], int]:
    """Tokenize and generate, one text after the other."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def run(count: int) -> int:
        tokenizer = AutoTokenizer.from_pretrained(folder / "model")
        model = AutoModelForCausalLM.from_pretrained(folder / "model").eval()
        for line in (folder / f"texts-{count}" / "train.jsonl").read_text().splitlines():
            inputs = tokenizer(json.loads(line)["text"], return_tensors="pt")
            inputs.pop("token_type_ids", None)
            with torch.inference_mode():
                model.generate(**inputs, min_new_tokens=10, max_new_tokens=10, do_sample=False)
        return count

    return run


def wattmark(folder: Path) -> Callable[[int], int]:
    """One repeat, nothing between phases; meters are read and the bundle is written, as always."""
    from wattmark.config import Config
    from wattmark.wiring.bench import BenchAsked, run_asked

    def run(count: int) -> int:
        asked = BenchAsked(
            task="text_generation", model=str(folder / "model"), profile="quick", queries=count,
            datasets=(str(folder / f"texts-{count}" / "train.jsonl"),), repeats=1, warm_up=1, cool_down=0.0,
            idle=0.0, output_tokens=10, dtype="float32", device="cpu",
        )  # fmt: skip
        done = run_asked(asked, folder / f"{count}.wattmark", Config())
        if done.bundle is None:
            raise SystemExit("it was stopped")
        told = done.bundle.evidence.overhead
        run.told = {  # type: ignore[attr-defined]
            "sampler_cpu_seconds": told.cpu_seconds if told else None,
            "seconds": max(p.end_us for p in done.bundle.evidence.phases) / 1e6,
        }
        shutil.rmtree(done.folder)
        return sum(not q.failed for q in done.bundle.evidence.queries if q.repeat >= 0)

    return run


def optimum_benchmark(folder: Path) -> Callable[[int], int]:
    """As its energy_star examples: a tracker around prefill, another around generation."""
    from optimum_benchmark import Benchmark, BenchmarkConfig, EnergyStarConfig, InlineConfig, PyTorchConfig

    def run(count: int) -> int:
        scenario = EnergyStarConfig(
            dataset_name=str(folder / f"texts-{count}"), dataset_split="train", num_samples=count,
            text_column_name="text", warmup_runs=1, input_shapes={"batch_size": 1},
            generate_kwargs={"max_new_tokens": 10, "min_new_tokens": 10}, energy=True,
            latency=False, memory=False,
        )  # fmt: skip
        backend = PyTorchConfig(
            model=str(folder / "model"), device="cpu", task="text-generation", no_weights=False
        )
        Benchmark.launch(
            BenchmarkConfig(name="tiny", scenario=scenario, launcher=InlineConfig(), backend=backend)
        )
        return count

    return run


def ai_energy_benchmarks(folder: Path) -> Callable[[int], int]:
    """As its YAML configuration, in Python."""
    from ai_energy_benchmarks.config.parser import (
        BackendConfig,
        BenchmarkConfig,
        MetricsConfig,
        ReporterConfig,
        ScenarioConfig,
    )
    from ai_energy_benchmarks.runner import BenchmarkRunner

    def run(count: int) -> int:
        runner = BenchmarkRunner(
            BenchmarkConfig(
                name="tiny",
                backend=BackendConfig(type="pytorch", device="cpu", model=str(folder / "model")),
                scenario=ScenarioConfig(
                    dataset_name=str(folder / f"texts-{count}"),
                    num_samples=count,
                    generate_kwargs={"max_new_tokens": 10, "min_new_tokens": 10},
                ),
                metrics=MetricsConfig(output_dir=str(folder / "emissions")),
                reporter=ReporterConfig(output_file=str(folder / "rows.csv")),
                output_dir=str(folder / "out"),
            )
        )
        if not runner.validate():
            raise SystemExit("it does not run here")
        told = runner.run()
        return int(told["summary"]["successful_prompts"])

    return run


RUNNERS = {
    "bare": bare,
    "wattmark": wattmark,
    "optimum-benchmark": optimum_benchmark,
    "ai-energy-benchmarks": ai_energy_benchmarks,
}


def sample(name: str, folder: Path) -> dict[str, Any]:
    """In a process of its own: few texts, then many; how many were answered counts."""
    run = RUNNERS[name](folder)
    run(FEW)  # whatever is imported late is there afterwards
    taken = []
    for count in (FEW, MANY):
        wall, cpu = time.perf_counter(), spent()
        answered = run(count)
        taken.append((answered, time.perf_counter() - wall, spent() - cpu))
    (few, few_wall, few_cpu), (many, many_wall, many_cpu) = taken
    more = many - few
    return {
        "wall_ms": (many_wall - few_wall) / more * 1e3,
        "cpu_ms": (many_cpu - few_cpu) / more * 1e3,
        "begin_cpu_s": few_cpu - few * (many_cpu - few_cpu) / more,
        "versions": {p: importlib.metadata.version(p) for p in PACKAGES[name]},
        "told": getattr(run, "told", {}),
    }


def spent() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "wattmark-benchmarks")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sample", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        made(options.make)
        return 0
    if options.sample:
        name, folder = options.sample
        print("\n" + json.dumps(sample(name, Path(folder))), flush=True)
        return 0
    if not options.report:
        RESULTS.write_text(json.dumps(measured(options.environments, options.samples), indent=1) + "\n")
    PAGE.write_text(page(json.loads(RESULTS.read_text())))
    print(f"wrote {PAGE}")
    return 0


def measured(environments: Path, samples: int) -> dict[str, Any]:
    """All contestants in turns."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    failed: dict[str, str] = {}
    load = []
    with tempfile.TemporaryDirectory() as made_in:
        folder = Path(made_in)
        ran(python_of("optimum-benchmark", environments), folder, "--make", str(folder))
        for _ in range(samples):
            for name in [n for n in NAMES if n not in failed]:
                load.append(os.getloadavg()[0])
                with tempfile.TemporaryDirectory(dir=folder) as own:
                    for shared in ("model", f"texts-{FEW}", f"texts-{MANY}"):
                        (Path(own) / shared).symlink_to(folder / shared)
                    try:
                        out = ran(python_of(name, environments), Path(own), "--sample", name, own)
                    except subprocess.CalledProcessError as error:
                        failed[name] = (error.stderr.strip().splitlines() or ["no word"])[-1][:200]
                        continue
                found[name].append(json.loads(out.strip().splitlines()[-1]))
                print(name, found[name][-1], flush=True)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine.describe(),
        "load": [min(load), max(load)],
        "samples": found,
        "failed": failed,
    }


def python_of(name: str, environments: Path) -> Path:
    """Who runs it."""
    return Path(sys.executable) if name in ("bare", "wattmark") else environments / name / "bin" / "python"


def ran(python: Path, folder: Path, *words: str) -> str:
    """Output of this file as run by another Python, offline and on one thread."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
    }  # fmt: skip
    done = subprocess.run(
        [str(python), __file__, *words],
        cwd=folder, env=environment, text=True, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


def page(results: Mapping[str, Any]) -> str:
    """The page, from the results alone."""
    about, samples = results["machine"], results["samples"]
    low, high = results["load"]
    rows = [row(name, samples[name], samples["bare"], results["failed"].get(name, "")) for name in NAMES]
    versions = [
        f"- {NAMES[name]}: " + ", ".join(f"{p} {v}" for p, v in samples[name][0]["versions"].items())
        for name in NAMES
        if samples[name]
    ]
    return "\n".join(
        [
            "<!-- Generated by benchmarks/bench_overhead.py: change benchmarks/, not this page. -->",
            "",
            "# What a harness adds to the model",
            "",
            "A tiny Llama with random weights (two layers of 64) is asked for ten new tokens, one text of "
            f"{LENGTH} words after the other, on one thread. It is so small that what stands around it "
            "shows; beside a real model little of it does. Every contestant runs as it is documented and "
            f"writes its own results. A sample is a fresh process that asks {FEW} texts and then {MANY}, "
            "after a first run that loads what is loaded late; the difference is what a text costs. "
            "Everything in it counts: the model's own work, preparing texts, looking at meters, scoring, "
            "keeping and writing evidence.",
            "",
            f"Medians of {max(len(s) for s in samples.values())} samples in turns (lowest to highest), "
            f"{results['date']}: {about['cpu_model']}, {about['cores']} cores, {about['kernel']}, "
            f"{about['python']}. {shared(low, high)} Trust ratios, and run it yourself: "
            "`python benchmarks/bench_overhead.py`.",
            "",
            "| how | CPU, ms per text | wall clock, ms per text | CPU beside the loop | CPU to begin, s |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
            *said(samples),
            "",
            "## Not the same work",
            "",
            "- optimum-benchmark's scenario asks the model for each text twice: a pass with one new token "
            "(prefill), and one with all of them. wattmark does so in profile `aies` only.",
            "- Without a counter in the machine, both others tell constant watts times the time that has "
            "passed (CodeCarbon), so that what others do on the machine becomes energy; wattmark's model "
            "follows CPU time. All of it is graded as modelled here, and none is rated.",
            "- wattmark looks at its meters all the time, and "
            "keeps every look and every query as evidence; the others keep sums.",
            "",
            "## Versions",
            "",
            *versions,
            "",
        ]
    )


def shared(low: float, high: float) -> str:
    """How far the machine was free for this; the benchmark itself makes a load of 1."""
    said = f"The load average was {low:.1f} to {high:.1f} while this was measured"
    if high <= OWN_LOAD:
        return f"{said}: nothing else of weight ran."
    return f"**{said}: other programs ran beside it**, which blurs CPU time, and wall clock far more."


def row(name: str, samples: Sequence[Mapping[str, Any]], bare: Sequence[Mapping[str, Any]], why: str) -> str:
    """One contestant."""
    if not samples:
        return f"| {NAMES[name]} | not measured | {why} |  |  |"
    ratio = median(samples, "cpu_ms") / median(bare, "cpu_ms")
    cells = (NAMES[name], span(samples, "cpu_ms"), span(samples, "wall_ms"), f"{ratio:.2f} x",
             span(samples, "begin_cpu_s"))  # fmt: skip
    return f"| {' | '.join(cells)} |"


def said(samples: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """What our own sampler cost, as it says itself."""
    told = [s["told"] for s in samples["wattmark"] if s["told"].get("sampler_cpu_seconds") is not None]
    if not told:
        return []
    shares = [1e3 * t["sampler_cpu_seconds"] / t["seconds"] for t in told]
    return [
        f"Of wattmark's CPU time, looking at meters and devices took {statistics.median(shares):.2f} ms per "
        "second of the benchmark, by its own account (`overhead` in every bundle); the row above has it in."
    ]


def median(samples: Sequence[Mapping[str, Any]], name: str) -> float:
    """The middle sample."""
    return statistics.median(s[name] for s in samples)


def span(samples: Sequence[Mapping[str, Any]], name: str) -> str:
    """Median, and the lowest and the highest sample."""
    values = [s[name] for s in samples]
    return f"{median(samples, name):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    sys.exit(main())

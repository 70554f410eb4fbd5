"""The figures that wattmark ships are whole, sourced, plausible, and found by the names machines print."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from wattmark import tables

DATA = Path(str(tables.bundled()))
SHIPPED = (
    "hardware",
    "cpus",
    "uncertainty",
    "ember_yearly_country",
    "cloud_regions",
    "embodied",
    "instances",
    "instance_processors",
    "grid/countries",
    "grid/egrid",
    "grid/eurostat",
    "grid/google_regions",
    "grid/uk_desnz",
)

PEAKS = tuple(
    f"{precision}_{unit}"
    for precision, unit in [
        ("fp64", "tflops"),
        ("fp32", "tflops"),
        ("tf32", "tflops"),
        ("fp16", "tflops"),
        ("bf16", "tflops"),
        ("fp8", "tflops"),
        ("int8", "tops"),
        ("fp4", "tflops"),
    ]
)
HARDWARE_FIGURES = (*PEAKS, "tdp_watts", "memory_gb", "memory_bandwidth_gb_per_s", "sparse_factor", "year")
CPU_FIGURES = (
    "physical_cores",
    "threads",
    "tdp_watts",
    "idle_watts_per_thread",
    "max_watts_per_thread",
    "memory_gb_per_chip_included",
)

HARDWARE = tables.rows("hardware")
CPUS = tables.rows("cpus")
INSTANCES = tables.rows("instances")
INSTANCE_PROCESSORS = tables.rows("instance_processors")


def hardware(id: str) -> dict[str, str]:
    """The row with this id."""
    return next(row for row in HARDWARE if row["id"] == id)


def cpu(model_name: str) -> str:
    """The name of the first row whose pattern is found in the model name."""
    return next(row["name"] for row in CPUS if re.search(row["pattern"], model_name, re.IGNORECASE))


def given(row: dict[str, str], columns: tuple[str, ...]) -> dict[str, float]:
    """The figures of the row that are published."""
    return {column: float(row[column]) for column in columns if row[column]}


# --- every table -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_the_hash_in_the_description_is_that_of_the_table(name: str) -> None:
    """A changed figure needs a new version and a new hash."""
    said = tomllib.loads((DATA / f"{name}.meta.toml").read_text(encoding="utf-8"))
    assert said["sha256"] == hashlib.sha256((DATA / f"{name}.csv").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_description_says_what_whose_and_under_which_terms(name: str) -> None:
    """Title, version, source and licence are given for every table."""
    said = tomllib.loads((DATA / f"{name}.meta.toml").read_text(encoding="utf-8"))
    assert all(said[key] for key in ("id", "title", "version", "source", "licence"))


@pytest.mark.parametrize(
    ("rows", "columns"), [(HARDWARE, HARDWARE_FIGURES), (CPUS, CPU_FIGURES)], ids=["hardware", "cpus"]
)
def test_no_figure_is_zero(rows: list[dict[str, str]], columns: tuple[str, ...]) -> None:
    """What is not published is an empty cell; a zero would be read as a figure."""
    wrong = [(row["name"], c, v) for row in rows for c, v in given(row, columns).items() if not v > 0]
    assert wrong == []


@pytest.mark.parametrize("rows", [HARDWARE, CPUS], ids=["hardware", "cpus"])
def test_every_row_names_its_source(rows: list[dict[str, str]]) -> None:
    """A document by title, and where to find it."""
    wrong = [r["name"] for r in rows if not r["source_title"] or not r["source_url"].startswith("http")]
    assert wrong == []


# --- hardware --------------------------------------------------------------------------------------


def test_hardware_ids_are_unique_and_plain() -> None:
    """An id never changes its meaning and can be typed."""
    ids = [row["id"] for row in HARDWARE]
    assert len(ids) == len(set(ids)) >= 50
    assert [id for id in ids if not re.fullmatch(r"[a-z0-9-]+", id)] == []


def test_hardware_kinds_are_four_and_all_present() -> None:
    """GPUs, TPUs, NPUs and CPUs stand side by side."""
    assert {row["kind"] for row in HARDWARE} == {"gpu", "tpu", "npu", "cpu"}


def test_a_row_that_was_not_re_read_says_so_and_has_no_date() -> None:
    """The date of reading and the words 'not re-read' exclude each other."""
    wrong = [r["id"] for r in HARDWARE if bool(r["retrieved"]) == r["note"].startswith("not re-read")]
    assert wrong == []


def test_watts_are_plausible_and_say_what_they_are() -> None:
    """From a stick of 1 W to a module of 3 kW; board, package and typical power are told apart."""
    watts = {r["id"]: float(r["tdp_watts"]) for r in HARDWARE if r["tdp_watts"]}
    assert {id: w for id, w in watts.items() if not 1 <= w <= 3000} == {}
    assert [r["id"] for r in HARDWARE if not r["tdp_basis"]] == []


def test_peak_rates_per_watt_are_within_what_silicon_does() -> None:
    """At most 20 TFLOP/s per watt, at least a hundredth: beyond that a unit was mixed up."""
    best = {
        r["id"]: max(given(r, PEAKS).values()) / float(r["tdp_watts"])
        for r in HARDWARE
        if r["tdp_watts"] and given(r, PEAKS)
    }
    assert {id: ratio for id, ratio in best.items() if not 0.01 <= ratio <= 20} == {}


@pytest.mark.parametrize("row", [r for r in HARDWARE if r["kind"] != "cpu"], ids=lambda r: r["id"])
def test_a_narrower_format_is_never_slower(row: dict[str, str]) -> None:
    """FP64 <= FP32 <= FP16, and FP16 or BF16 <= FP8 <= FP4, wherever both are given."""
    found = given(row, PEAKS)
    half = max((found[c] for c in ("fp16_tflops", "bf16_tflops") if c in found), default=None)
    chain = [found.get("fp64_tflops"), found.get("fp32_tflops"), half, found.get("fp8_tflops")]
    rates = [rate for rate in [*chain, found.get("fp4_tflops")] if rate is not None]
    assert rates == sorted(rates)


@pytest.mark.parametrize(
    ("id", "column", "rate"),
    [
        ("nvidia-h100-sxm5-80gb", "bf16_tflops", 989.4),
        ("nvidia-a100-sxm4-80gb", "bf16_tflops", 312),
        ("nvidia-v100-sxm2-32gb", "fp16_tflops", 125),
        ("nvidia-t4", "fp16_tflops", 65),
        ("amd-mi300x", "fp16_tflops", 1307.4),
        ("google-tpu-v5e", "bf16_tflops", 197),
    ],
)
def test_well_known_rates_are_the_dense_ones(id: str, column: str, rate: float) -> None:
    """Marketing prints twice as much, for half of the matrix being zero."""
    assert float(hardware(id)[column]) == rate


# --- processors ------------------------------------------------------------------------------------


def test_processor_names_and_patterns_are_unique() -> None:
    """A second row with the same pattern could never match."""
    patterns = [row["pattern"] for row in CPUS]
    assert len(patterns) == len(set(patterns)) >= 60
    assert patterns[-1] == ".*"


@pytest.mark.parametrize("row", CPUS, ids=lambda r: r["name"])
def test_a_processor_row_yields_watts_per_thread(row: dict[str, str]) -> None:
    """Either both watts are given, or TDP and threads from which the maximum is derived; never half."""
    re.compile(row["pattern"], re.IGNORECASE)
    found = given(row, CPU_FIGURES)
    measured = {"idle_watts_per_thread", "max_watts_per_thread"} & found.keys()
    if row["watts_basis"] == "package_tdp":
        assert not measured
        assert 0.5 <= found["tdp_watts"] / found["threads"] <= 20
    else:
        assert row["watts_basis"] in {"server_wall", "system_wall"}
        assert 0 < found["idle_watts_per_thread"] < found["max_watts_per_thread"] <= 20


@pytest.mark.parametrize("row", [r for r in CPUS if r["threads"]], ids=lambda r: r["name"])
def test_a_processor_has_at_least_a_thread_per_core(row: dict[str, str]) -> None:
    """One or two threads per core; hybrid parts lie between."""
    assert 1 <= int(row["threads"]) / int(row["physical_cores"]) <= 2


def test_every_explanation_of_a_basis_is_used_and_none_is_missing() -> None:
    """A reader must know whether memory and fans are inside the watts already."""
    said = tomllib.loads((DATA / "cpus.meta.toml").read_text(encoding="utf-8"))
    assert set(said["watts_basis"]) == {row["watts_basis"] for row in CPUS}


@pytest.mark.parametrize(
    ("model_name", "row"),
    [
        ("Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", "Xeon E3/E5, 1st generation (Sandy Bridge)"),
        ("Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz", "Xeon E5-2680 v3"),
        ("Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz", "Xeon v4 (Broadwell)"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "Xeon E5-2686 v4"),
        ("Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", "Xeon Gold 6148"),
        ("Intel(R) Xeon(R) Gold 6152 CPU @ 2.10GHz", "Xeon Scalable, 1st generation (Skylake)"),
        ("Intel(R) Xeon(R) Gold 6248R CPU @ 3.00GHz", "Xeon Gold 6248R"),
        ("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz", "Xeon Gold 6248"),
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Xeon Platinum 8259CL"),
        ("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz", "Xeon Platinum 8375C"),
        ("Intel(R) Xeon(R) Platinum 8480+", "Xeon Platinum 8480+"),
        ("Intel(R) Xeon(R) Platinum 8480C", "Xeon Platinum 8480+"),
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "Xeon Platinum 8481C"),
        ("INTEL(R) XEON(R) PLATINUM 8592+", "Xeon Platinum 8592+"),
        ("Intel(R) Xeon(R) 6980P", "Xeon 6980P"),
        ("Intel(R) Xeon(R) 6780E", "Xeon 6780E"),
        ("Intel(R) Xeon(R) 6740E", "Xeon 6 E-core (Sierra Forest)"),
        ("Intel(R) Xeon(R) 6960P", "Xeon 6 P-core (Granite Rapids)"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Broadwell (Google Cloud)"),
        ("Intel(R) Xeon(R) CPU @ 2.80GHz", "Cascade Lake (Google Cloud)"),
        ("Intel Xeon Processor (Skylake, IBRS)", "Skylake server"),
        ("Intel Xeon Processor (Cascadelake)", "Cascade Lake"),
        ("Intel Xeon Processor (Icelake)", "Ice Lake server"),
        ("Intel Xeon Processor (SapphireRapids)", "Sapphire Rapids"),
        ("Intel Xeon E312xx (Sandy Bridge)", "Sandy Bridge server"),
        ("Intel(R) Xeon(R) Processor @ 2.90GHz", "Xeon, generation unknown"),
        ("AMD EPYC 7571", "EPYC 7571"),
        ("AMD EPYC 7742 64-Core Processor", "EPYC 7742"),
        ("AMD EPYC 7763 64-Core Processor", "EPYC 7763"),
        ("AMD EPYC 7R13 Processor", "EPYC 7R13"),
        ("AMD EPYC 7B12", "EPYC 7B12"),
        ("AMD EPYC 7453 28-Core Processor", "EPYC 7003 (Milan)"),
        ("AMD EPYC 9654 96-Core Processor", "EPYC 9654"),
        ("AMD EPYC 9754 128-Core Processor", "EPYC 9754"),
        ("AMD EPYC 9B14", "EPYC 9B14 / 9R14 / 9V74"),
        ("AMD EPYC 9474F 48-Core Processor", "EPYC 9004 (Genoa)"),
        ("AMD EPYC 9B45", "EPYC 9005 (Turin)"),
        ("AMD EPYC 9575F 64-Core Processor", "EPYC 9005 (Turin)"),
        ("AMD EPYC 9965 192-Core Processor", "EPYC 9965"),
        ("AMD EPYC-Milan Processor", "EPYC Milan"),
        ("AMD EPYC Processor", "EPYC, generation unknown"),
        ("AMD EPYC", "EPYC, generation unknown"),
        ("13th Gen Intel(R) Core(TM) i9-13900K", "Core i9-13900K"),
        ("Intel(R) Core(TM) i7-8700 CPU @ 3.20GHz", "Core i7-8700"),
        ("Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", "Core i7-8700K"),
        ("11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "Core i7-1165G7"),
        ("Intel(R) Core(TM) i5-7200U CPU @ 2.50GHz", "Core U-series"),
        ("Intel(R) Core(TM) i5-4590 CPU @ 3.30GHz", "Core desktop series"),
        ("Intel(R) Core(TM) Ultra 7 155H", "Core Ultra 7 155H"),
        ("Intel(R) Core(TM) Ultra 7 258V", "Core Ultra 200V series"),
        ("AMD Ryzen 9 5950X 16-Core Processor", "Ryzen 9 5950X"),
        ("AMD Ryzen 9 7950X3D 16-Core Processor", "Ryzen 9 7950X3D"),
        ("AMD Ryzen 7 PRO 4750U with Radeon Graphics", "Ryzen U-series"),
        ("AMD Ryzen 5 2600 Six-Core Processor", "Ryzen desktop series"),
        ("AMD Ryzen Threadripper 3990X 64-Core Processor", "Ryzen Threadripper 3990X"),
        ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "Ryzen AI Max+ 395"),
        ("Ampere(R) Altra(R) Processor Q80-30", "Altra Q80-30"),
        ("Ampere(R) Altra(R) Max Processor M128-30", "Altra Max M128-30"),
        ("AWS Graviton3", "Graviton3"),
        ("Neoverse-N1", "Neoverse N1 (Altra, Graviton2)"),
        ("Neoverse-V2", "Grace (Neoverse V2)"),
        ("Apple M1", "Apple M1"),
        ("Apple M1 Pro", "Apple M1 Max"),
        ("Apple M2 Ultra", "Apple M2 Ultra"),
        ("Apple M4 Pro", "Apple M4 Pro"),
        ("Raspberry Pi 4 Model B Rev 1.4", "Raspberry Pi 4 (BCM2711)"),
        ("Raspberry Pi 5 Model B Rev 1.0", "Raspberry Pi 5 (BCM2712)"),
        ("QEMU Virtual CPU version 2.5+", "unknown processor"),
        ("", "unknown processor"),
    ],
)
def test_a_model_name_finds_its_row(model_name: str, row: str) -> None:
    """Names as /proc/cpuinfo, firmware and macOS print them; the specific row goes before its family."""
    assert cpu(model_name) == row


@pytest.mark.parametrize("row", CPUS, ids=lambda r: r["pattern"])
@hypothesis.given(st.data())
@hypothesis.settings(max_examples=10, deadline=None)
def test_a_name_that_a_pattern_finds_holds_one_of_its_texts(row: dict[str, str], data: st.DataObject) -> None:
    """So that nobody need try the pattern on a name without them."""
    name = data.draw(st.from_regex(row["pattern"]))
    assert any(text in name.lower() for text in row["contains"].split("|"))


@pytest.mark.parametrize(
    "model_name",
    ["Intel(R) Xeon(R) Processor", "AMD EPYC", "AMD Ryzen 5 2600 Six-Core Processor", "Neoverse-N1"],
)
def test_few_patterns_are_tried_on_a_name(model_name: str) -> None:
    """Each costs a program that is measured more than a window: at most three, of some two hundred."""
    names = [r["name"] for r in CPUS if any(text in model_name.lower() for text in r["contains"].split("|"))]
    assert len(names[: names.index(cpu(model_name)) + 1]) <= 3


def test_no_row_is_hidden_by_one_above_it() -> None:
    """The plain name of every exact row reaches that row (families and stand-ins excepted)."""
    exact = [r for r in CPUS if re.fullmatch(r"(Xeon|EPYC|Core|Ryzen|Threadripper).*\d[A-Z+\d]*", r["name"])]
    hidden = [r["name"] for r in exact if cpu(f"Intel(R) {r['name']} CPU") != r["name"]]
    assert len(exact) > 100
    assert hidden == []


def test_the_last_row_is_the_published_average() -> None:
    """An unknown processor gets the Cloud Carbon Footprint averages for AWS: 0.74 and 3.5 W."""
    last = CPUS[-1]
    assert (last["idle_watts_per_thread"], last["max_watts_per_thread"]) == ("0.74", "3.5")


# --- constants and uncertainties -------------------------------------------------------------------


def test_constants_of_the_model_lie_within_their_range_and_are_sourced() -> None:
    """Each has value, unit, low, high and a source."""
    constants = {row["constant"]: row for row in tables.rows("model")}
    assert {"dram_watts_per_gb", "rest_of_node_share", "idle_share_of_tdp"} <= constants.keys()
    for name, constant in constants.items():
        assert 0 < float(constant["low"]) <= float(constant["value"]) <= float(constant["high"]), name
        assert constant["unit"], name
        assert "http" in constant["source"], name


def test_default_uncertainties_are_those_of_the_definition() -> None:
    """Wall 2 %, BMC 5 %, counter 5 %, sampled 10 % (25 % at low duty), model 50 %, declared 100 %."""
    rows = tables.rows("uncertainty")
    assert {row["method"]: float(row["relative_95"]) for row in rows} == {
        "wall_meter": 0.02,
        "bmc": 0.05,
        "hardware_counter": 0.05,
        "integrated_power": 0.10,
        "integrated_power_low_duty": 0.25,
        "modelled": 0.50,
        "declared": 1.00,
    }
    assert all("http" in row["source"] and row["note"] for row in rows)


# --- carbon intensity ------------------------------------------------------------------------------


def test_country_intensities_are_lifecycle_figures_of_three_years() -> None:
    """Ember's yearly figures, latest year of each country; names are unique."""
    rows = tables.rows("ember_yearly_country")
    assert {row["basis"] for row in rows} == {"lifecycle_generation"}
    assert {row["year"] for row in rows} == {"2022", "2023", "2024"}
    assert len({row["name"] for row in rows}) == len(rows)
    assert next(row["gco2e_per_kwh"] for row in rows if row["iso3"] == "DEU") == "342.06"


def test_country_intensities_are_plausible_or_marked_as_doubtful() -> None:
    """20 to 1400 gCO2e/kWh (hydropower alone to old oil and lignite); the one impossible zero is named."""
    said = tomllib.loads((DATA / "ember_yearly_country.meta.toml").read_text(encoding="utf-8"))
    found = {
        row["iso3"] or row["name"]: float(row["gco2e_per_kwh"]) for row in tables.rows("ember_yearly_country")
    }
    assert {place for place, grams in found.items() if not 20 <= grams <= 1400} == set(said["doubtful"])


# --- instances -------------------------------------------------------------------------------------


def test_an_instance_type_is_there_once() -> None:
    """Two rows of one name would let the order of the file decide."""
    names = [(row["provider"], row["type"].lower()) for row in INSTANCES]
    assert len(names) == len(set(names))


def test_an_instance_refers_to_a_processor_and_to_hardware_of_the_tables() -> None:
    """Watts per thread and rated power are looked up, never repeated."""
    processors = {row["architecture"] for row in INSTANCE_PROCESSORS}
    devices = {row["id"] for row in HARDWARE} | {""}
    assert {row["architecture"] for row in INSTANCES} <= processors
    assert {row["gpu"] for row in INSTANCES} <= devices
    assert [r["type"] for r in INSTANCES if bool(r["gpus"]) != bool(r["gpu"])] == []


@pytest.mark.parametrize("rows", [INSTANCES, INSTANCE_PROCESSORS], ids=["instances", "processors"])
def test_every_row_of_instances_names_its_source_and_year(rows: list[dict[str, str]]) -> None:
    """A document by title, and where to find it."""
    wrong = [r for r in rows if not r["source_title"] or not r["source_url"].startswith("https://")]
    assert wrong == []
    assert all(2015 <= int(row["year"]) <= 2026 for row in rows)


def test_processors_draw_what_servers_draw() -> None:
    """More when busy than when idle, at most 10 W per thread, and an error of half the figure or more."""
    for row in INSTANCE_PROCESSORS:
        idle, full = float(row["idle_watts_per_thread"]), float(row["full_watts_per_thread"])
        assert 0.3 < idle < full < 10, row["architecture"]
        assert float(row["relative_95"]) >= 0.5

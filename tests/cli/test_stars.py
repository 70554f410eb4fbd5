"""``wattmark stars`` as a user runs it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.cli.running import verb
from tests.core.stars.results import INVALID, a_key, a_result, a_row, quality
from wattmark.bench.results import write_results
from wattmark.cli.main import cli
from wattmark.cli.stars import group
from wattmark.core.errors import EvidenceError, NotComparable, RefusedError, UsageError

HEAD = "task,model,gpu_wh_per_1000,model_class,cohort,published_stars\n"
TABLE = HEAD + (
    "text generation,lab/a,0.1,A,Dec 25,5\n"
    "text generation,lab/b,0.2,A,Dec 25,4\n"
    "text generation,lab/c,0.3,A,Dec 25,3\n"
    "text generation,lab/d,0.4,A,Dec 25,2\n"
    "text generation,lab/e,0.5,A,Dec 25,1\n"
    "text generation,lab/f,0.6,A,Dec 25,1\n"
    "image classification,lab/g,7,,Dec 25,\n"
)
SHARED = os.environ.get("WATTMARK_SHARED_DATA", "")


def told(folder: Path, text: str = TABLE) -> Path:
    path = folder / "told.csv"
    path.write_text(text)
    return path


def cohort(folder: Path, *energies: float, name: str = "own.json", **changes: Any) -> Path:
    """Valid results of one key, with little noise."""
    path = folder / name
    write_results([a_result(f"lab/m{i}", e, noise=0.001, **changes) for i, e in enumerate(energies)], path)
    return path


def rows(result: Result) -> list[dict[str, Any]]:
    return list(json.loads(result.output)["rows"])


def test_published_stars_are_reproduced_on_every_edge(tmp_path: Path) -> None:
    """Bands from 0.1 to 0.6: 0.2, 0.3, 0.4 and 0.5 lie on their edges, where floats would mis-star them."""
    found = verb(group, "--mode", "aies", told(tmp_path), "--check")
    assert found.return_value == 0
    assert "6 of 6 published stars are reproduced" in found.output
    assert "unrated: no spread" in found.output
    assert "7 of 7: recomputed, evidence not checked" in found.output
    assert "column `gpu_wh_per_1000` is Wh of the GPUs" in " ".join(found.output.split())


def test_rows_of_json_carry_what_others_build_on(tmp_path: Path) -> None:
    """Task as its source writes it, stars or null with the reason, energy, mode, key."""
    found = verb(group, told(tmp_path), "--mode", "aies", "--json")
    document = json.loads(found.output)
    assert (document["schema"], document["schema_version"]) == ("wattmark.stars", 1)
    assert document["published"] == {"stated": 6, "reproduced": 6, "differing": []}
    first, *_, last = document["rows"]
    wanted = {
        "task": "text generation",
        "task_id": "text_generation",
        "model": "lab/a",
        "model_class": "A",
        "cohort": "Dec 25",
        "mode": "aies",
        "stars": 5,
        "interval": None,
        "reason": "",
        "wh_per_1000": 0.1,
        "published_stars": 5,
        "evidence": "recomputed, evidence not checked",
    }
    assert {name: first[name] for name in wanted} == wanted
    assert (last["stars"], last["reason"], last["model_class"]) == (None, "unrated: no spread", None)


def test_a_star_that_is_not_reproduced_fails_the_check(tmp_path: Path) -> None:
    """And is named with its line."""
    path = told(tmp_path, TABLE.replace("0.2,A,Dec 25,4", "0.2,A,Dec 25,5"))
    found = verb(group, "--mode", "aies", path, "--check")
    assert found.return_value == 1
    assert "5 (differs)" in found.output
    assert "5 of 6 published stars are reproduced" in found.output
    differing = json.loads(verb(group, "--mode", "aies", path, "--json").output)["published"]["differing"]
    assert differing == [{"source": f"{path}:3", "model": "lab/b", "published_stars": 5, "stars": 4}]


def test_a_check_without_published_stars_is_refused(tmp_path: Path) -> None:
    """Nothing was checked: that is no pass."""
    with pytest.raises(UsageError, match="nothing states published stars"):
        verb(group, "--mode", "aies", cohort(tmp_path, 1, 2), "--check")
    with pytest.raises(UsageError, match="nothing states published stars"):
        verb(group, told(tmp_path), "--check")


def test_anchored_is_the_default_and_rates_no_table(tmp_path: Path) -> None:
    """Grade E never earns stars; the reason is said once for all."""
    found = verb(group, told(tmp_path))
    assert found.return_value == 0
    assert found.output.count("unrated: published without evidence (grade E)") == 2
    assert {row["stars"] for row in rows(verb(group, told(tmp_path), "--json"))} == {None}


def test_without_a_reference_it_says_how_to_make_one(tmp_path: Path) -> None:
    """What is shipped holds none."""
    found = verb(group, cohort(tmp_path, 10))
    assert "no reference for this key" in found.output
    assert "wattmark stars recalibrate" in " ".join(found.output.split())
    assert "references wattmark 1" in found.output


def test_a_cohort_is_frozen_and_rated_and_frozen_again(tmp_path: Path) -> None:
    """From 10 to 160 J; then every model halves its energy and nobody's star is worth what it was."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    before = cohort(tmp_path, 10, 20, 40, 80, 160)
    first = verb(group, "recalibrate", before, "--out", one, "--id", "house", "--effective", "2026-11-01")
    assert "5 of 5 ratings change" in first.output
    rated = verb(group, before, "--thresholds", one)
    assert "★★★★★" in rated.output
    assert "★····" in rated.output
    assert [row["stars"] for row in rows(verb(group, before, "--thresholds", one, "--json"))] == [
        5,
        4,
        3,
        2,
        1,
    ]
    after = cohort(tmp_path, 5, 10, 20, 40, 80, name="after.json")
    found = verb(
        group,
        "recalibrate",
        after,
        "--from",
        one,
        "--out",
        two,
        "--because",
        "new year",
        "--json",
        "--effective",
        "2026-11-22",
    )
    document = json.loads(found.output)
    assert (document["schema"], document["thresholds"]["version"]) == ("wattmark.stars_recalibrated", 2)
    assert document["e_ref_joules"] == {"old": 40.0, "new": 20.0}
    assert document["changed"] == 4
    assert document["rows"][3]["why"] == "E_ref 40 -> 20 J, index 1.000 -> 2.000"
    assert document["thresholds"]["change"].endswith("(was 40 J of 5). new year")
    assert [row["stars"] for row in rows(verb(group, after, "--thresholds", two, "--json"))] == [
        5,
        4,
        3,
        2,
        1,
    ]


def test_a_recalibration_that_changes_nothing_says_so(tmp_path: Path) -> None:
    """The same cohort again; what is not valid is left out and named."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    path = cohort(tmp_path, 10, 20, 40, 80, 160)
    verb(group, "recalibrate", path, "--out", one)
    tried = tmp_path / "tried.json"
    write_results([a_result("tried", 1, validity=INVALID)], tried)
    found = verb(group, "recalibrate", path, tried, "--from", one, "--out", two)
    assert "no star changes" in found.output
    assert "left out: tried: invalid: quick" in found.output


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--id", "My House"), "--id 'My House'"),
        (("--effective", "soon"), "--effective 'soon' is no day"),
        (("--quality-floor", "accuracy"), "is not NAME=VALUE"),
        (("--quality-floor", "accuracy=1.2.3"), "is not NAME=VALUE"),
    ],
)
def test_options_of_a_recalibration_are_checked(
    tmp_path: Path, options: tuple[str, str], problem: str
) -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match=problem):
        verb(group, "recalibrate", cohort(tmp_path, 10), "--out", tmp_path / "x.toml", *options)
    assert not (tmp_path / "x.toml").exists()


def test_cohorts_that_may_not_be_frozen_are_refused(tmp_path: Path) -> None:
    """Too few, of two keys, without bundles; nothing is written then."""
    out = tmp_path / "x.toml"
    mixed = cohort(tmp_path, 1, 2, 3, 4, 5, name="other.json", key=a_key(precision="int8"))
    with pytest.raises(UsageError, match="cohort of 5 models"):
        verb(group, "recalibrate", cohort(tmp_path, 1, 2), "--out", out)
    odd = tmp_path / "odd.json"
    write_results([a_result("odd", 5)], odd)
    with pytest.raises(NotComparable, match="precision"):
        verb(group, "recalibrate", mixed, odd, "--out", out)
    bare = cohort(tmp_path, 1, 2, 3, 4, 5, bundle_sha256=None)
    with pytest.raises(RefusedError, match="--without-bundles"):
        verb(group, "recalibrate", bare, "--out", out)
    assert not out.exists()
    verb(group, "recalibrate", bare, "--out", out, "--without-bundles", "--quality-floor", "wer<=0.1")
    assert 'quality_floor = { name = "wer", value = 0.1, higher_is_better = false }' in out.read_text()


def test_a_floor_where_more_is_better(tmp_path: Path) -> None:
    """An equals sign means at least."""
    out = tmp_path / "x.toml"
    path = cohort(tmp_path, 1, 2, 3, 4, 5, quality=quality(0.9))
    verb(group, "recalibrate", path, "--out", out, "--quality-floor", "accuracy=0.8")
    assert "value = 0.8, higher_is_better = true" in out.read_text()


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A reference of 40 J."""
    out = tmp_path / "house.toml"
    verb(group, "recalibrate", cohort(tmp_path, 10, 20, 40, 80, 160, name="five.json"), "--out", out)
    return out


@pytest.mark.parametrize(
    ("energy", "noise", "stars", "code"),
    [(10, 0.001, 5, 0), (14.0, 0.1, 5, 1), (14.0, 0.1, 4, 0), (160, 0.001, 2, 1)],
)
def test_a_gate_uses_the_worst_of_the_interval(
    tmp_path: Path, house: Path, energy: float, noise: float, stars: int, code: int
) -> None:
    """14 J beside 40 J is 5 stars, perhaps 4: a gate of 5 fails, one of 4 passes."""
    path = tmp_path / "one.json"
    write_results([a_result("lab/one", energy, noise=noise)], path)
    assert verb(group, path, "--thresholds", house, "--min-stars", stars).return_value == code


def test_a_gate_without_stars_has_not_enough_evidence(tmp_path: Path, house: Path) -> None:
    """3 where one is unrated; 1 where another is below as well."""
    tried, bad = tmp_path / "tried.json", tmp_path / "bad.json"
    write_results([a_result("tried", 1, validity=INVALID)], tried)
    write_results([a_result("bad", 500)], bad)
    assert verb(group, tried, "--thresholds", house, "--min-stars", 1).return_value == 3
    assert verb(group, tried, bad, "--thresholds", house, "--min-stars", 2).return_value == 1


def test_an_interval_is_drawn(tmp_path: Path, house: Path) -> None:
    """Four that are sure and one that is open; in letters where the terminal has no stars."""
    path = tmp_path / "one.json"
    write_results([a_result("lab/one", 14.0, noise=0.1)], path)
    found = verb(group, path, "--thresholds", house)
    assert "★★★★☆  4-5" in found.output
    assert "the 95 % interval of its energy reaches from 4 to 5 stars" in found.output
    (row,) = rows(verb(group, path, "--thresholds", house, "--json"))
    assert (row["stars"], row["interval"], row["shown"]) == (4, [4, 5], "4-5")
    assert row["thresholds"] == "local 1"
    plain = CliRunner(charset="ascii").invoke(group, [str(path), "--thresholds", str(house)])
    assert "****o  4-5" in plain.output


def test_references_that_are_not_in_force_yet_say_so(tmp_path: Path) -> None:
    """They rate all the same: whoever prepares a new version wants to see what it does."""
    out = tmp_path / "later.toml"
    path = cohort(tmp_path, 10, 20, 40, 80, 160)
    verb(group, "recalibrate", path, "--out", out, "--effective", "2999-01-01")
    assert "in force from 2999-01-01 on, not yet today" in verb(group, path, "--thresholds", out).output


def test_bad_files_end_with_two_and_their_place(tmp_path: Path) -> None:
    """Not with a pass, not with a crash."""
    path = told(tmp_path, HEAD + 'reasoning,a,"1,5",A,,\n')
    with pytest.raises(EvidenceError, match=r"told\.csv: line 2, column `gpu_wh_per_1000`"):
        verb(group, "--mode", "aies", path)
    with pytest.raises(UsageError, match="--thresholds is for --mode anchored"):
        verb(group, "--mode", "aies", path, "--thresholds", path)


def test_the_word_rate_may_be_said_and_left_out(tmp_path: Path) -> None:
    """And the whole command line finds it."""
    path = told(tmp_path)
    said, left = (verb(group, *w, path, "--mode", "aies").output for w in (("rate",), ()))
    assert said == left
    assert CliRunner().invoke(cli, ["stars", "--mode", "aies", str(path), "--json"]).exit_code == 0
    assert "recalibrate" in verb(group, "--help").output
    assert "recalibrate" in CliRunner().invoke(group, []).output


def test_simulated_noise_sets_both_modes_side_by_side(tmp_path: Path) -> None:
    """The same seed gives the same figures; where one star is shown it holds."""
    found = verb(group, "simulate", told(tmp_path), "--noise", "0.05", "--draws", "500", "--json")
    document = json.loads(found.output)
    assert (document["schema"], document["noises"], document["draws"]) == (
        "wattmark.stars_stability",
        [0.05],
        500,
    )
    text, pictures = document["groups"]
    assert text["reference"] == "median of the group, on trial"
    assert text["without_worst"] == {"removed": ["lab/f"], "restarred": 0, "of": 5}
    assert text["at"][0]["aies_flip_rate"] > 0.2
    assert text["at"][0]["anchored_worst_flip_rate"] <= 0.05
    assert pictures["at"][0]["aies_flip_rate"] is None
    again = verb(group, "simulate", told(tmp_path), "--noise", "0.05", "--draws", "500", "--json")
    assert again.output == found.output


def test_the_simulation_as_a_table(tmp_path: Path, house: Path) -> None:
    """Three noises unless others are asked for; with a frozen reference nothing is on trial."""
    found = verb(group, "simulate", told(tmp_path), "--draws", "200").output
    assert "10 %: aies flips" in found
    assert "on trial" in found
    five = tmp_path / "five.json"
    own = verb(group, "simulate", five, "--draws", "200", "--thresholds", house).output
    assert "on trial" not in own


def test_nothing_to_simulate_is_refused(tmp_path: Path) -> None:
    """Results without energy."""
    path = tmp_path / "none.json"
    write_results([a_result(energy=None, gpu_energy=None)], path)
    with pytest.raises(UsageError, match="none of these results has an energy"):
        verb(group, "simulate", path)


def test_a_published_row_without_class_or_cohort_is_shown(tmp_path: Path) -> None:
    """By the name of its task alone, even one that nobody knows."""
    path = tmp_path / "rows.json"
    write_results(
        [a_row("a", "1", task="translation", cohort=""), a_row("b", "2", task="translation", cohort="")], path
    )
    assert verb(group, path, "--mode", "aies").output.startswith("translation\n")
    assert verb(group, "simulate", path, "--draws", "100").output


def test_documents_keep_their_shape(tmp_path: Path, house: Path) -> None:
    """Version 1 of each schema means these keys."""
    path = told(tmp_path)
    document = json.loads(verb(group, path, "--thresholds", house, "--json").output)
    assert set(document) == {"schema", "schema_version", "mode", "thresholds", "rows", "published", "notes"}
    assert set(document["thresholds"]) == {"id", "version", "effective", "sha256", "references"}
    assert set(document["rows"][0]) == {
        "task", "task_id", "model", "model_class", "cohort", "mode", "stars", "interval", "shown", "reason",
        "index", "wh_per_1000", "wh_per_1000_interval_95", "published_stars", "evidence", "checked",
        "thresholds", "key", "key_fields", "result", "source",
    }  # fmt: skip
    drawn = json.loads(verb(group, "simulate", path, "--draws", "100", "--json").output)
    assert set(drawn) == {"schema", "schema_version", "noises", "draws", "seed", "groups"}
    assert set(drawn["groups"][0]) == {
        "task", "model_class", "cohort", "size", "reference", "at", "without_worst", "rows",
    }  # fmt: skip
    out = tmp_path / "next.toml"
    made = verb(group, "recalibrate", tmp_path / "five.json", "--from", house, "--out", out, "--json")
    assert set(json.loads(made.output)) == {
        "schema", "schema_version", "thresholds", "key", "e_ref_joules", "cohort", "changed", "rows",
        "left_out",
    }  # fmt: skip


@pytest.mark.skipif(not SHARED, reason="WATTMARK_SHARED_DATA names no folder with aies_dec2025.csv")
def test_all_forty_ratings_of_december_2025_are_reproduced() -> None:
    """The published cohort, which is for checking only and does not come with wattmark."""
    path = Path(SHARED) / "aies_dec2025.csv"
    found = verb(group, "--mode", "aies", path, "--check", "--json")
    assert found.return_value == 0
    with open(path, newline="") as file:
        stated = {(r["task"], r["model"]): int(r["published_stars"]) for r in csv.DictReader(file)}
    assert len(stated) == 40
    assert {(row["task"], row["model"]): row["stars"] for row in rows(found)} == stated

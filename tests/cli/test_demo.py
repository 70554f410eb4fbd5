"""``wattmark demo`` as a user runs it, with a tenth of the work."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tests.cli.running import verb
from wattmark.cli.demo import command
from wattmark.cli.score import command as score
from wattmark.ledger.runfile import read_runs


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demonstration_measures_in_turns_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The models take turns; each ruling has its reason; the commands it names work."""
    pytest.importorskip("sklearn", reason="the demonstration needs the extra `demo`")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    text = verb(command, "--quick", "--repeats", "2", "--out", "d").stdout
    (folder,) = (tmp_path / "d").iterdir()
    runs = [item.run for item in read_runs([folder / "baseline", folder / "leaner"])]
    in_order = sorted(runs, key=lambda run: run.started_at)
    assert [run.subject.model for run in in_order] == ["digits-wide", "digits-lean"] * 2
    assert "not reached: accuracy>=0.95" in text
    assert "the lean model, held against the wide one by wattmark-policy.toml:" in text
    assert "--world-average --pue 1 --lifetime-inferences 1e+07" in text
    assert (folder / "report.html").stat().st_size > 50_000
    scored = verb(
        score, folder / "leaner", "--baseline", folder / "baseline", "--world-average", "--pue", "1"
    )
    assert "--lifetime-inferences" in scored.stdout


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is measured."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(click.BadParameter, match="Directory 'taken' is a file"):
        verb(command, "--out", "taken")

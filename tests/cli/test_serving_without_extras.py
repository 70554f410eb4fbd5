"""What serving offers where only wattmark itself is installed: no crash, but what to install."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.bare import wattmark_without

ABSENT = ("numpy", "scipy", "pyarrow", "deltalake", "duckdb", "obstore", "uvicorn", "aiohttp", "rich")


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["attribute", "--requests", "r.jsonl", "--power", "p.csv"], "attribute"),
        (["agent", "--ledger", "l", "--state", "s", "--socket", "none", "--listen", "127.0.0.1:0"], "ledger"),
        (["proxy", "--upstream", "http://127.0.0.1:1"], "proxy"),
        (["demo", "--serving"], "serving-demo"),
    ],
)
def test_a_missing_extra_is_named(tmp_path: Path, arguments: list[str], extra: str) -> None:
    """With the command that brings it; exit code 2."""
    (tmp_path / "r.jsonl").write_text('{"model":"m","start":1790000000,"end":1790000001}\n')
    (tmp_path / "p.csv").write_text("time,watts\n1790000000,100\n1790000001,100\n")
    done = wattmark_without(ABSENT, arguments, tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"pip install 'wattmark[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr

"""Strict reading of TOML: every mistake names its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import ConfigError, UsageError
from wattmark.fields import Fields, parse_toml, read_toml


def fields(**values: Any) -> Fields:
    """A table of a file called f.toml."""
    return Fields("f.toml", "[[t]] 2", values)


def test_values_of_the_right_kind_come_through() -> None:
    """Numbers become floats; what is not there is the default."""
    f = fields(name="n", size=3, tags=["a"], kind="x")
    assert (f.text("name"), f.number("size"), f.texts("tags"), f.choice("kind", ["x"])) == (
        "n",
        3.0,
        ("a",),
        "x",
    )
    assert (f.text("other", "d"), f.number("other"), f.texts("other"), f.choice("other", ["x"], "x")) == (
        "d",
        None,
        (),
        "x",
    )


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: fields(a=1).text("a"), r"\[\[t\]\] 2 a: must be a string, not 1"),
        (lambda: fields().text("a"), r"\[\[t\]\] 2 a: is missing"),
        (lambda: fields(a="1").number("a"), "must be a number, not '1'"),
        (lambda: fields(a=True).number("a"), "must be a number, not True"),
        (lambda: fields(a=float("nan")).number("a"), "must be a number, not nan"),
        (lambda: fields(a=float("inf")).number("a"), "must be a number, not inf"),
        (lambda: fields(a="x").texts("a"), "must be a list of strings, not 'x'"),
        (lambda: fields(a=[1]).texts("a"), "must be a list of strings"),
        (lambda: fields(a="z").choice("a", ["x", "y"]), "must be one of x, y, not 'z'"),
        (lambda: fields(a={}).tables("a"), r"must be written as \[\[a\]\] tables"),
        (lambda: fields(wieght=1).only("weight", "id"), "unknown key; did you mean 'weight'"),
        (lambda: fields(zzz=1).only("weight", "id"), "unknown key; known: weight, id"),
    ],
)
def test_a_mistake_names_file_place_and_remedy(ask: Any, words: str) -> None:
    """One sentence each."""
    with pytest.raises(ConfigError, match=words) as error:
        ask()
    assert str(error.value).startswith("f.toml: ")


def test_tables_know_their_number() -> None:
    """For the place in a message."""
    assert [t.place for t in fields(limit=[{}, {}]).tables("limit")] == ["[[limit]] 1", "[[limit]] 2"]


def test_a_rule_of_the_core_gets_the_place() -> None:
    """Core knows no files."""
    assert str(fields().refused(UsageError("is wrong"))) == "f.toml: [[t]] 2: is wrong"


def test_files_that_are_not_toml_say_so(tmp_path: Path) -> None:
    """Not there, not text, not TOML."""
    (tmp_path / "latin").write_bytes(b"a = '\xe9'")
    with pytest.raises(ConfigError, match="No such file"):
        read_toml(tmp_path / "none")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_toml(tmp_path / "latin")
    with pytest.raises(ConfigError, match=r"not valid TOML: .*line 2"):
        parse_toml("b = 1\na = = 2", "f.toml")


@pytest.mark.parametrize("text", ["a = 0x{0}", "a = [1, {{ b = 0x{0} }}]", "[[t]]\na = -{1}", "a = 0o{1}"])
def test_a_whole_number_that_no_toml_holds_is_refused(text: str) -> None:
    """Python takes it from hexadecimal digits, and fails when it should show it."""
    with pytest.raises(ConfigError, match=r"f\.toml: [ab]: is a whole number of more than 64 bits"):
        parse_toml(text.format("f" * 5000, "7" * 25), "f.toml")


def test_every_whole_number_of_64_bits_is_taken() -> None:
    """The least and the most."""
    assert parse_toml(f"a = {-(2**63) + 1}\nb = {2**63 - 1}\nc = true", "f")["b"] == 2**63 - 1


@pytest.mark.parametrize("name", ["prices.csv", "2026/prices.csv", "..prices.csv", "ü.csv", " a.csv "])
def test_a_file_beside_a_file_is_named(name: str) -> None:
    """Also in a folder there."""
    assert fields(file=name).beside("file") == name.strip()
    assert fields().beside("file") == ""


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../p.csv",
        "a/../../p.csv",
        "a//p.csv",
        "C:/p.csv",
        "c:\\p.csv",
        "..\\p.csv",
        "a\0b",
        "s3://b/p.csv",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """A ledger's settings are read by many, and are not to lead to files of theirs."""
    with pytest.raises(ConfigError, match=r"f\.toml: \[\[t\]\] 2 file: .* leads elsewhere"):
        fields(file=name).beside("file")

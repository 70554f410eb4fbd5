"""Errors: their words, their data, and the tree that catches them all."""

from __future__ import annotations

import pytest

from wattmark.core import errors
from wattmark.core.errors import (
    ConfigError,
    DeliveryError,
    EvidenceError,
    GridError,
    LedgerError,
    MeterUnavailable,
    MissingExtra,
    NotComparable,
    RefusedError,
    UsageError,
    WattmarkError,
    without_paths,
    without_secrets,
)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("wattmark.toml", "place.pue", "must be a number"),
        MissingExtra("dataset", "datasets"),
        EvidenceError("a.run.json", "is no JSON"),
        GridError("entsoe", "is down"),
        LedgerError("s3://bucket", "there is no such bucket"),
        DeliveryError("https://forge.example/api", "HTTP 500"),
        NotComparable([("boundary", "device", "node")]),
        MeterUnavailable("no zones"),
        RefusedError("no"),
        UsageError("no"),
    ],
)
def test_one_except_clause_catches_everything_raised_on_purpose(error: WattmarkError) -> None:
    """All are WattmarkErrors and leave the process with exit code 2."""
    with pytest.raises(WattmarkError):
        raise error
    assert error.exit_code == 2


def test_a_configuration_error_names_file_and_place() -> None:
    """File, place and problem, in the message and on the exception."""
    error = ConfigError("wattmark.toml", "place.pue", "must be a number")
    assert str(error) == "wattmark.toml: place.pue: must be a number"
    assert (error.file, error.place, error.problem) == ("wattmark.toml", "place.pue", "must be a number")


def test_a_configuration_error_without_a_place_names_the_file_alone() -> None:
    """No empty place in the message."""
    assert str(ConfigError("wattmark.toml", "", "is not there")) == "wattmark.toml: is not there"


def test_a_missing_extra_says_the_command_that_installs_it() -> None:
    """The pip command can be copied from the message."""
    error = MissingExtra("dataset", "datasets")
    assert str(error) == "dataset: an optional part is not installed: pip install 'wattmark[datasets]'"
    assert (error.what, error.extra) == ("dataset", "datasets")


def test_ledger_and_grid_errors_name_who_did_not_answer() -> None:
    """The address or the provider, and the problem, in the message and on the exception."""
    ledger, grid = LedgerError("s3://bucket", "no such bucket"), GridError("entsoe", "is down")
    assert (str(ledger), ledger.url, ledger.problem) == (
        "s3://bucket: no such bucket",
        "s3://bucket",
        "no such bucket",
    )
    assert (str(grid), grid.provider, grid.problem) == ("entsoe: is down", "entsoe", "is down")


def test_a_delivery_error_names_the_address_and_whether_it_is_sure() -> None:
    """The status is kept for whoever can do something about it; a try that may have worked says so."""
    error = DeliveryError("https://forge.example/api", "HTTP 500", 500, unsure=True)
    assert str(error) == "https://forge.example/api: HTTP 500"
    assert (error.place, error.problem, error.status, error.unsure) == (
        "https://forge.example/api",
        "HTTP 500",
        500,
        True,
    )
    assert not DeliveryError("https://forge.example/api", "no connection").unsure


def test_an_evidence_error_names_the_file() -> None:
    """The file comes first."""
    error = EvidenceError("a.run.json", "is no JSON")
    assert str(error) == "a.run.json: is no JSON"
    assert (error.file, error.problem) == ("a.run.json", "is no JSON")


def test_a_refused_comparison_names_every_term_that_differs() -> None:
    """Both sides of each term; what one side does not state is said so."""
    error = NotComparable([("boundary", "device", "node"), ("basis", None, "direct")], "carbon figures")
    assert str(error) == (
        "these carbon figures may not be compared: "
        "boundary: device against node; basis: not stated against direct"
    )
    assert error.differing == (("boundary", "device", "node"), ("basis", None, "direct"))


def test_the_docstring_draws_every_error() -> None:
    """The tree at the top of the module leaves none out."""
    classes = [c.__name__ for c in vars(errors).values() if isinstance(c, type)]
    assert all(name in (errors.__doc__ or "") for name in classes if name.endswith("Error"))
    assert {"NotComparable", "MissingExtra", "MeterUnavailable"} <= set(classes)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError(2, "No such file or directory", "/home/someone/x"), "No such file or directory"),
        (OSError("odd"), "OSError"),
        (EvidenceError("/home/someone/a.run.json", "is cut short"), "is cut short"),
        (ConfigError("/home/someone/wattmark.toml", "[place] pue", "must be a number"), "must be a number"),
        (ValueError("not a number"), "not a number"),
        (RuntimeError("cannot open '/home/someone/m.bin'"), "cannot open '/home/***/m.bin'"),
        (RuntimeError("C:\\Users\\someone\\m.bin is cut"), "C:\\Users\\***\\m.bin is cut"),
    ],
)
def test_a_run_file_hears_of_errors_without_paths(error: Exception, told: str) -> None:
    """Paths tell the names of users, and a run file is passed on."""
    assert without_paths(error) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("http://push:p@ss@host:9091/a: no", "http://***@host:9091/a: no"),
        ("s3://key:secret@bucket/led", "s3://***@bucket/led"),
        ("at 'https://h/c?sv=1&sig=aB%2F+=&x=1'", "at 'https://h/c?sv=1&sig=***&x=1'"),
        (
            "https://h/?X-Amz-Signature=0a&X-Amz-Credential=AK/1",
            "https://h/?X-Amz-Signature=***&X-Amz-Credential=***",
        ),
        ("https://h/?access_token=t", "https://h/?access_token=***"),
        ("https://h/mail?to=a@b&monkey=1 and a@b", "https://h/mail?to=a@b&monkey=1 and a@b"),
    ],
)
def test_secrets_are_left_out_of_messages(said: str, told: str) -> None:
    """Accounts, signatures and tokens of addresses; nothing else."""
    assert without_secrets(said) == told
    assert without_paths(UsageError(said)) == told
    assert without_paths(EvidenceError("f", said)) == told

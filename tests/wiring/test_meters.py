"""How meters are set up from the settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wattmark.config import MeasureConfig
from wattmark.core.errors import MeterUnavailable
from wattmark.wiring.meters import bmc_account, make_meter


@pytest.fixture
def netrc(tmp_path: Path) -> str:
    path = tmp_path / "netrc"
    path.write_text("machine bmc.example login reader password secret\n")
    os.chmod(path, 0o600)
    return str(path)


def test_the_account_of_a_bmc_belongs_to_its_host(netrc: str) -> None:
    """A project's settings cannot send it to another machine."""
    assert bmc_account("https://bmc.example:8443", netrc) == ("reader", "secret")
    assert bmc_account("https://evil.example", netrc) == ("", "")


def test_no_netrc_is_no_account(tmp_path: Path) -> None:
    """The BMC may answer without one."""
    assert bmc_account("https://bmc.example", str(tmp_path / "none")) == ("", "")


def test_a_netrc_that_cannot_be_understood_is_said(tmp_path: Path) -> None:
    """The reason names the file."""
    path = tmp_path / "netrc"
    path.write_text("machine\n  nonsense here\n")
    with pytest.raises(MeterUnavailable, match="netrc cannot be understood"):
        bmc_account("https://bmc.example", str(path))


def test_redfish_without_an_address_is_not_tried() -> None:
    """No connection is opened by itself."""
    with pytest.raises(MeterUnavailable, match="set redfish_url"):
        make_meter("redfish", "h", MeasureConfig())

"""Which ledger is meant, what it is read with, and what its energy meets."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.ledgers import the_run, told
from tests.cli.running import kept
from tests.wiring.electricity import a_ledger_of, a_node
from wattmark.config import Config, LedgerConfig
from wattmark.core.errors import LedgerError, UsageError
from wattmark.ledger.factors import GridFactor, SitePue, intensity_of
from wattmark.ledger.settings import LedgerSettings
from wattmark.ledger.store import LocalStore
from wattmark.measure.delivery import outbox_of
from wattmark.wiring.ledger import (
    OpenLedger,
    bring_waiting,
    factors_for,
    ledger_url,
    open_ledger,
    read_ledger,
)


def own(zone: str = "FRA", **changes: object) -> GridFactor:
    """A factor of the ledger's own."""
    return GridFactor(zone=zone, grams_per_kwh=1.0, source="own", **changes)  # type: ignore[arg-type]


def test_what_was_asked_for_goes_before_the_environment_and_the_file(tmp_path: Path) -> None:
    """A folder counts from here, but that of a file from the file."""
    config = Config(ledger=LedgerConfig(url="kept"), path=str(tmp_path / "wattmark.toml"))
    environ = {"WATTMARK_LEDGER": "s3://bucket/x"}
    here = tmp_path / "below"
    assert ledger_url("mine", config, environ, here) == str(here / "mine")
    assert ledger_url(None, config, environ, here) == "s3://bucket/x"
    assert ledger_url(None, config, {}, here) == str(tmp_path / "kept")
    with pytest.raises(UsageError, match="no ledger is named"):
        ledger_url(None, Config(), {}, here)


def test_only_an_existing_ledger_is_opened(tmp_path: Path) -> None:
    """Unless it is to begin; a slip of the pen must not make a second one."""
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="there is no ledger"):
            open_ledger(str(place))
    opened = open_ledger(str(tmp_path / "none"), begin=True)
    assert opened.settings == LedgerSettings()


def test_built_in_figures_fill_what_the_ledger_leaves() -> None:
    """Its own go first; one of its own that always holds leaves nothing."""
    bounded = LedgerSettings(grid=(own(start_us=0, end_us=10),))
    first, second = factors_for(bounded, ["FRA", "FRA", "nowhere", ""]).grid
    assert first.source == "own"
    assert (second.zone, second.start_us, second.end_us) == ("FRA", None, None)
    assert "Ember" in second.source
    assert factors_for(LedgerSettings(grid=(own(),)), ["FRA"]).grid == (own(),)


def test_two_kinds_of_carbon_never_meet() -> None:
    """Market figures are taken when they are asked for, and then no built-in ones."""
    market = own(accounting="market")
    settings = LedgerSettings(grid=(market, own("DEU")), sites=(SitePue(site="a", pue=1.1),))
    assert {g.accounting for g in factors_for(settings, ["FRA"]).grid} == {"location"}
    asked = factors_for(settings, ["FRA", "DEU"], "market")
    assert asked.grid == (market,)
    assert asked.pue == settings.sites
    assert {g.basis for g in factors_for(settings, ["FRA"], "location", "direct").grid} == {"direct"}
    assert factors_for(settings, ["DEU"], "location", "direct").grid == ()


def test_each_years_energy_meets_the_factor_of_its_year() -> None:
    """UK, direct: 207 g before 2025, 177 g in 2025, 131 g from then on, said to be old from 2030.

    Beside figures of the ledger's own for some time only the newest fills what they leave.
    """
    found = factors_for(LedgerSettings(), ["GBR"], "location", "direct").grid
    told = [(g.year, g.grams_per_kwh, g.note) for g in found]
    assert told == [
        (2024, 207.05, ""),
        (2025, 177.0, ""),
        (2026, 130.96, ""),
        (2026, 130.96, "the intensity data (2026) is more than 3 years old"),
    ]
    new_years = [1735689600_000_000, 1767225600_000_000, 1893456000_000_000]
    assert [g.start_us for g in found] == [None, *new_years]
    assert [g.end_us for g in found] == [*new_years, None]
    mine = LedgerSettings(grid=(own("GBR", basis="direct", start_us=0, end_us=10),))
    first, second = factors_for(mine, ["GBR"], "location", "direct").grid
    assert (first.source, second.year, second.start_us) == ("own", 2026, None)


def test_a_site_that_is_a_cloud_region_tells_grid_and_pue() -> None:
    """As a bought service; the ledger's own PUE, and its own figure for the country, go first."""
    found = factors_for(LedgerSettings(), [], sites=["us-east-1", "the cellar"])
    now, later = (g for g in found.grid if g.zone == "us-east-1")
    assert (now.zone, now.inventory, now.grams_per_kwh) == ("us-east-1", "scope 3.1", 383.55)
    assert "more than 3 years old" in later.note
    assert {(p.site, p.kind) for p in found.pue} == {("us-east-1", "provider_year")}
    new_years = [1704067200_000_000, 1735689600_000_000]
    assert [(p.pue, p.start_us) for p in found.pue] == [
        (1.15, None),
        (1.15, new_years[0]),
        (1.14, new_years[1]),
    ]
    assert [p.end_us for p in found.pue] == [*new_years, None]
    assert "AWS" in found.pue[0].source
    direct = factors_for(LedgerSettings(), [], "location", "direct", ["us-east-1"]).grid
    assert {g.grams_per_kwh for g in direct if g.zone == "us-east-1"} == {270.47}
    ours = LedgerSettings(grid=(own("USA"),), sites=(SitePue(site="us-east-1", pue=1.3),))
    found = factors_for(ours, ["USA"], sites=["us-east-1"])
    assert found.grid == ours.grid
    assert found.pue == ours.sites
    market = factors_for(LedgerSettings(), [], "market", "lifecycle", ["us-east-1"])
    assert market.grid == ()


def test_two_regions_that_meet_one_figure_share_its_error() -> None:
    """Amazon and Microsoft in Ireland, and a room of ours there: one row of one table, one error."""
    found = factors_for(LedgerSettings(), ["IRL"], sites=["eu-west-1", "northeurope"]).grid
    names = {name for factor in found for name in intensity_of(factor).figure().errors}
    assert {factor.zone for factor in found} == {"eu-west-1", "northeurope", "IRL"}
    assert names == {"intensity:Ember yearly:IRL"}


def test_electricity_of_a_cloud_region_is_bought_whatever_figure_it_meets(tmp_path: Path) -> None:
    """The ledger's own 300 g of Ireland: 1 kWh in a room of ours is scope 2, 1 kWh of AWS there is scope 3.1.

    It is, where its runs state the country and where they do not; a stated zone keeps the provider's PUE.
    """
    own_figure = '[[grid]]\nzone = "IRL"\ngrams_per_kwh = 300\nbasis = "direct"\nsource = "t"\n'
    zoned = '[[site]]\nname = "eu-west-1"\nzone = "IRL"\n'
    for number, (settings, country) in enumerate(
        ((own_figure, "IRL"), (own_figure, None), (own_figure + zoned, None))
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        ours, theirs = (
            a_node(1, 12, kwh=1.0, country="IRL"),
            a_node(2, 13, kwh=1.0, country=country, site="eu-west-1"),
        )
        document = told(
            "totals",
            "--ledger",
            a_ledger_of(folder, settings, ours, theirs),
            "--basis",
            "direct",
            "--by",
            "site",
        )
        found = {t["group"]["site"]: t["carbon"] for t in document["totals"]}
        assert (found[""]["value"], found[""]["terms"]["inventory"]) == (pytest.approx(300.0), "scope 2")
        assert found["eu-west-1"]["value"] == pytest.approx(300.0 * 1.14)
        assert found["eu-west-1"]["terms"]["inventory"] == "scope 3.1"
        assert document["whole"]["carbon"]["status"] == "missing"


def test_what_waits_on_this_machine_is_brought_once(tmp_path: Path) -> None:
    """Into the inbox; the outbox is empty afterwards."""
    ledger = open_ledger(str(tmp_path / "ledger"), begin=True)
    environ = {"WATTMARK_HOME": str(tmp_path / "home")}
    outbox = outbox_of(ledger.url, environ)
    outbox.mkdir(parents=True)
    kept(outbox, the_run(1), "one")
    assert bring_waiting(ledger, environ) == 1
    assert bring_waiting(ledger, environ) == 0
    assert len(list(ledger.store.names("inbox/"))) == 1


class Unwritable(LocalStore):
    """A folder that others may write."""

    def put_new(self, name: str, data: bytes) -> bool:
        """Refused."""
        raise LedgerError(f"{self.url}/{name}", "read-only file system. Name another place")

    replace = put_new  # type: ignore[assignment]

    def delete(self, name: str) -> None:
        """Refused."""
        self.put_new(name, b"")

    def settle(self, name: str) -> None:
        """Refused."""
        self.put_new(name, b"")


def test_a_ledger_that_may_only_be_read_is_read_with_a_note(tmp_path: Path) -> None:
    """What is folded counts; what has landed since is said to be left out."""
    pytest.importorskip("deltalake", reason="a ledger's tables need the extra `ledger`")
    from wattmark.ledger.inbox import land_run

    ledger = open_ledger(str(tmp_path / "ledger"), begin=True)
    land_run(ledger.store, kept(tmp_path, the_run(1), "one").read_bytes())
    said: list[str] = []
    assert read_ledger(ledger, 0, said.append).version == 0
    land_run(ledger.store, kept(tmp_path, the_run(2, "b"), "two").read_bytes())
    barred = OpenLedger(ledger.url, Unwritable(tmp_path / "ledger"), ledger.settings)
    assert read_ledger(barred, 0, said.append).version == 0
    assert len(said) == 1
    assert "what is new could not be folded" in said[0]

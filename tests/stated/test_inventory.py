"""``devices.csv`` is read strictly: every slip of the pen has a file, a line and a column."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.inventory import HOURS_PER_YEAR, Asset
from wattmark.hashing import id_of_name
from wattmark.stated.inventory import COLUMNS, parse_inventory, shipped_footprints

TABLE = shipped_footprints()
HEAD = "name,component,host,model,total_kg,purchased,lifespan_years"
SERVER = "s1,machine,gpu-node-1,r740,,2026-01-15,5"


def parse(*lines: str, head: str = HEAD) -> tuple[Asset, ...]:
    """An inventory of these lines."""
    return parse_inventory("\n".join((head, *lines)).encode(), "devices.csv", UTC, TABLE)


def one(extra: str, cells: str, line: str = "s1,machine,n1,,1000,2026-01-15,5") -> Asset:
    """One line with more columns."""
    (asset,) = parse(f"{line},{cells}", head=f"{HEAD},{extra}")
    return asset


def test_a_line_names_a_model_of_the_table() -> None:
    """1356 kg of an R740 over five years; the machine is known by its name's id, as run files keep it."""
    with pytest.raises(
        ConfigError, match=r"line 2, model.*could be dell-poweredge-r740, cpu-server-r740-lca"
    ):
        parse(SERVER)
    (asset,) = parse(SERVER.replace("r740", "dell-r740"))
    assert asset.total_grams == 1_356_000
    assert asset.lifespan_hours == 5 * HOURS_PER_YEAR
    assert asset.hosts == {"gpu-node-1", id_of_name("gpu-node-1")}
    assert "dram" in asset.contains
    assert "gpu" not in asset.contains
    assert asset.relative_error == 0.98
    assert asset.source.startswith("Dell: Product carbon footprint, PowerEdge R740, 2019")
    assert asset.place == "devices.csv:2"


def test_a_line_states_a_total_of_its_own() -> None:
    """Without a source it says where it stands; without an error half of it; a machine holds everything."""
    (asset,) = parse("s1,machine,n1,,1000,2026-01-15,5")
    assert (asset.total_grams, asset.relative_error) == (1e6, 0.5)
    assert asset.source == "stated in devices.csv:2"
    assert {"cpu", "gpu", "dram"} <= asset.contains


def test_memory_and_disks_go_by_the_gigabyte() -> None:
    """512 GB at 1.39 kg are 711.68 kg."""
    head = f"{HEAD},gb"
    (asset,) = parse("m1,dram,n1,dram-r740,,2026-01-15,5,512", head=head)
    assert asset.total_grams == pytest.approx(711_680)


def test_everything_that_can_be_said_of_a_line() -> None:
    """A refurbished GPU, leased, utilised, taken out again."""
    extra = (
        "device_id,quantity,in_service_from,in_service_until,refurbished,previous_years,refurbishing_kg,"
        "ownership,mode,utilisation,reserved_share,site,source,relative_error"
    )
    cells = "GPU-1,1,2026-02-01,2027-02-01,remaining,2,10,leased,utilised,0.6,0.5,paris,sheet,0.2"
    (asset,) = parse(f"g1,gpu,,,164,2026-01-15,3,{cells}", head=f"{HEAD},{extra}")
    assert (asset.device_id, asset.hosts, asset.site, asset.source) == (
        "GPU-1",
        frozenset(),
        "paris",
        "sheet",
    )
    assert (asset.ownership, asset.mode, asset.utilisation, asset.reserved_share) == (
        "leased",
        "utilised",
        0.6,
        0.5,
    )
    assert asset.carried_grams == pytest.approx(164_000 * 3 / 5 + 10_000)
    assert asset.until_us is not None
    assert asset.until_us - asset.start_us == 365 * 86_400_000_000
    assert asset.relative_error == 0.2


def test_days_begin_at_midnight_of_the_zone() -> None:
    """In Paris an hour earlier than in UTC in winter."""
    data = f"{HEAD}\ns1,machine,n1,,1,2026-01-15,5\n".encode()
    (paris,) = parse_inventory(data, "d.csv", ZoneInfo("Europe/Paris"), TABLE)
    (utc,) = parse_inventory(data, "d.csv", UTC, TABLE)
    assert utc.purchased_us - paris.purchased_us == 3_600_000_000


def test_remarks_and_empty_lines_are_left_out() -> None:
    """Lines are still numbered as an editor does."""
    assert parse("# bought in spring", "", "s1,machine,n1,,1,2026-01-15,5")[0].place == "devices.csv:4"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s1,machine,n1,,1000,2026-01-15,0", r"line 2, lifespan_years: must be from 0.01 to 100, not '0'"),
        ("s1,machine,n1,,1000,2026-01-15,", r"line 2, lifespan_years: is empty"),
        ("s1,machine,n1,,1000,2026-01-15,five", r"lifespan_years: must be a number, not 'five'"),
        ("s1,machine,n1,,1000,2026-02-30,5", r"purchased: '2026-02-30' is no day of the calendar"),
        ("s1,machine,n1,,1000,15.1.2026,5", r"purchased: must be a day such as 2026-01-31"),
        ("s1,machine,n1,,,2026-01-15,5", r"model: is empty, and so is total_kg"),
        ("s1,machine,n1,dell-r740,1000,2026-01-15,5", r"model: both model and total_kg are there"),
        ("s1,machine,n1,mi300x,,2026-01-15,5", r"line 2, model: no embodied carbon of 'mi300x'"),
        ("s1,machine,n1,dram-r740,,2026-01-15,5", r"gb: is empty, and the model's figure is per GB"),
        ("s1,machine,,,1000,2026-01-15,5", r"host: is empty, and so is device_id"),
        ("s1,server,n1,,1000,2026-01-15,5", r"component: must be one of machine, gpu"),
        (",machine,n1,,1000,2026-01-15,5", r"line 2, name: is empty"),
        ("s1,machine,n1,,nan,2026-01-15,5", r"total_kg: must be from 0 to 1e\+09, not 'nan'"),
        ("s1,machine,n1,,1000,2026-01-15", r"line 2: has 6 cells, and the header has 7"),
        ('s1,machine,n1,,"1000"0,2026-01-15,5', r"is no whole CSV file"),
    ],
)
def test_a_slip_of_the_pen_names_its_place(line: str, message: str) -> None:
    """File, line and column."""
    with pytest.raises(ConfigError, match=message):
        parse(line)


@pytest.mark.parametrize(
    ("extra", "cells", "message"),
    [
        ("gb", "64", "gb: is for figures per GB only"),
        ("contains", "gpus", "contains: gpus: known are"),
        ("in_service_from", "2025-12-31", "in_service_from: lies before `purchased`"),
        ("in_service_until", "2026-01-15", "in_service_until: must lie after"),
        ("refurbished", "yes", "refurbished: must be one of no, cut-off, remaining"),
        ("previous_years", "2", "previous_years: is for refurbished devices"),
        ("refurbishing_kg", "2", "refurbishing_kg: is for refurbished devices"),
        ("refurbished", "remaining", "previous_years: is empty"),
        ("ownership", "cloud", "a cloud's hardware is the provider's"),
        ("utilisation", "0.5", "charged in one mode, never both"),
        ("mode", "utilised", "utilisation: is empty"),
        ("device_id,quantity", "GPU-1,2", "quantity: must be 1 where a device_id"),
    ],
)
def test_what_contradicts_itself_is_refused(extra: str, cells: str, message: str) -> None:
    """With what to write instead."""
    with pytest.raises(ConfigError, match=message):
        one(extra, cells)


def test_a_models_figure_holds_what_it_holds() -> None:
    """The table knows what is in an R740."""
    with pytest.raises(ConfigError, match="the model's figure holds board, chassis, cpu"):
        one("contains", "gpu", "s1,machine,n1,dell-r740,,2026-01-15,5")
    assert one("contains", "cpu gpu").contains == {"cpu", "gpu"}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (f"{HEAD},lifespan", r"line 1, lifespan: unknown column; did you mean 'lifespan_years'"),
        (f"{HEAD},xyz", "unknown column; known: name, component"),
        (f"{HEAD},name", "name: is there twice"),
        ("name,component", "lacks the columns purchased, lifespan_years"),
    ],
)
def test_a_header_is_checked_as_well(head: str, message: str) -> None:
    """Unknown, twice, or lacking."""
    with pytest.raises(ConfigError, match=message):
        parse(head=head)


def test_an_empty_file_and_bytes_that_are_no_text_are_refused() -> None:
    """Each with what to do."""
    with pytest.raises(ConfigError, match="is empty: its first line names the columns"):
        parse_inventory(b"", "devices.csv", UTC, TABLE)
    with pytest.raises(ConfigError, match="save it again as UTF-8"):
        parse_inventory(b"\xff\xfe", "devices.csv", UTC, TABLE)


def test_a_server_with_its_gpus_and_a_line_of_gpus_are_refused() -> None:
    """A stated total of a machine holds everything in it, unless it says what."""
    gpus = "g1,gpu,n1,h100-sxm5,,2026-01-15,5"
    with pytest.raises(ConfigError, match=r"gpu of one machine stands in 's1' \(devices.csv:2\)"):
        parse("s1,machine,n1,,1000,2026-01-15,5", gpus)
    assert len(parse("s1,machine,n1,server-8-gpu,,2026-01-15,5", gpus)) == 2


def test_every_column_is_read() -> None:
    """None is known and ignored."""
    text = Path(parse_inventory.__code__.co_filename).read_text(encoding="utf-8")
    assert all(text.count(f'"{column}"') >= 2 for column in COLUMNS)

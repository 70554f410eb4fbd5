"""The traps of grid data, each sprung by a local server that misbehaves: no figure comes out of one.

docs/grid/traps.md has a row for each, and names its test here; a test below holds the two against each other.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("urllib3")

from tests.grid.documents import (
    eia_document,
    eia_row,
    em_document,
    em_point,
    entsoe_document,
    entsoe_series,
    neso_half,
    noon,
    us,
    wt_document,
)
from tests.grid.serving import HTML, Asked, Reply, Served, as_json, in_turn, serving
from tests.grid.test_providers import KEY, WEB, eia, em, em_replies, entsoe, wt, wt_replies
from wattmark.core.carbon import Intensity, operational_carbon
from wattmark.core.errors import NotComparable, RefusedError
from wattmark.core.figure import Figure, Missing, total
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridSeries
from wattmark.core.hourly import HourlyCarbon, Slice, hourly_carbon
from wattmark.grid.bundled import scope_2, yearly, zone_names
from wattmark.grid.cache import GridCache
from wattmark.grid.failures import (
    HalfDocument,
    NoData,
    ProviderDown,
    QuotaSpent,
    SandboxData,
    SchemaDrift,
    UnknownZone,
    WrongKey,
)
from wattmark.grid.hourly import Found, find
from wattmark.grid.http import HttpWeb
from wattmark.grid.neso import Neso
from wattmark.grid.places import find_place
from wattmark.grid.provider import GridProvider

PAGE = Path(__file__).parents[2] / "docs" / "grid" / "traps.md"
HOUR = 3_600_000_000


def asked_for(provider: GridProvider, folder: Path, zone: str, first: float, last: float) -> Found:
    """From so many hours before noon, through a cache."""
    cache = GridCache(folder / "grid.sqlite")
    return find(provider, provider.signal, cache, zone, us(first), us(last), us(0))


def every_hour(asked: Asked) -> Reply:
    """Electricity Maps: each hour of the range that was asked for; ten days at most, as theirs."""
    start, end = (datetime.fromisoformat(asked.query[name]) for name in ("start", "end"))
    if end - start > timedelta(days=10):
        return as_json({"status": "error", "message": "range too long"}, 400)
    hours = int((end - start).total_seconds() // 3600)
    points = [
        {"datetime": (start + timedelta(hours=h)).isoformat(), "carbonIntensity": 100.0} for h in range(hours)
    ]
    return as_json({"zone": asked.query["zone"], "data": points})


# --- who is answered for ----------------------------------------------------------------------------


def test_the_caller_s_own_place_is_never_taken() -> None:
    """The look-up is switched off in every question, and the zone of the answer must be the one asked for."""
    with serving(em_replies(as_json(em_document("history", em_point(-1), zone="DE")))) as served:
        with pytest.raises(UnknownZone, match="answered for 'DE' instead"):
            em(served.url).history("FR", us(-2), us(0))
        assert served.asked[0].query["disableCallerLookup"] == "true"


def test_a_cloud_region_in_the_wrong_country_is_refused() -> None:
    """Frankfurt is not in Belgium: a look-up that went wrong shows."""
    with serving(in_turn(as_json(em_document("history", em_point(-1), zone="BE")))) as served:
        with pytest.raises(UnknownZone, match="lies in DE"):
            em(served.url).history("aws:eu-central-1", us(-2), us(0))
        query = served.asked[0].query
    assert (query["dataCenterProvider"], query["dataCenterRegion"]) == ("aws", "eu-central-1")
    assert "zone" not in query


def test_the_wrong_zone_is_refused_everywhere() -> None:
    """Each provider that names a zone in its answer is held to it."""
    region = {"data": {"regionid": 3, "data": [neso_half(-1, None)]}}
    answers = [
        (wt, "CAISO_NORTH", wt_replies(as_json(wt_document(1.0, region="PJM")))),
        (eia, "CISO", in_turn(as_json(eia_document(eia_row(0, "NG", "1", respondent="PJM"))))),
        (lambda url: Neso(WEB, noon, base=url), "13", in_turn(as_json(region))),
    ]
    for made, zone, answer in answers:
        with serving(answer) as served, pytest.raises(UnknownZone, match="it is not used"):
            made(served.url).history(zone, us(-1), us(0))


def test_an_unknown_zone_is_named_with_the_closest_ones() -> None:
    """And nobody's figures are taken for it."""
    replies = em_replies(as_json({"status": "error", "message": "zone not found"}, 400))
    with serving(replies) as served, pytest.raises(UnknownZone, match="did you mean US-CAL-CISO"):
        em(served.url).history("US-CAL-CIS", us(-2), us(0))


# --- made-up data, keys and quotas ------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        em_document("history", em_point(-1, estimationMethod="SANDBOX_MODE_DATA")),
        em_document("history", em_point(-1), _disclaimer="This data is in SANDBOX MODE"),
    ],
    ids=["in the points", "in the disclaimer"],
)
def test_sandbox_data_is_refused(document: dict[str, object], tmp_path: Path) -> None:
    """It is well formed and made up; nothing of it gets into the cache."""
    with serving(em_replies(as_json(document))) as served, pytest.raises(SandboxData, match="made up"):
        asked_for(em(served.url), tmp_path, "FR", -2, 0)
    with pytest.raises(NoData):
        find("electricity-maps", "lifecycle", GridCache(tmp_path / "grid.sqlite"), "FR", us(-2), us(0), us(0))


def test_a_401_after_a_success_is_the_quota() -> None:
    """The key is good; before a success the message names both."""
    replies = in_turn(as_json(em_document("history", em_point(-1))), as_json({"error": "no"}, 401))
    with serving(replies) as served:
        provider = em(served.url)
        provider.history("FR", us(-2), us(0))
        with pytest.raises(QuotaSpent, match="key that worked"):
            provider.history("FR", us(-2), us(0))
    with serving(in_turn(as_json({}, 401))) as served, pytest.raises(WrongKey, match="or its quota is spent"):
        em(served.url).history("FR", us(-2), us(0))


def test_a_quota_that_ends_in_the_middle_keeps_what_came(tmp_path: Path) -> None:
    """Ten days are there, the rest is named as a hole, and why."""
    spent = [False]

    def once(asked: Asked) -> Reply:
        if spent[0]:
            return as_json({"error": "no"}, 401)
        spent[0] = True
        return every_hour(asked)

    with serving(once) as served:
        found = asked_for(em(served.url), tmp_path, "FR", -24 * 15, -24 * 2)
    assert len(found.series.points) == 240
    assert isinstance(found.failure, QuotaSpent)
    assert found.holes == ((us(-24 * 5), us(-24 * 2)),)


def test_a_rate_limit_is_waited_for_as_it_says() -> None:
    """429 with Retry-After: asked again after it; a long one is not slept through."""
    replies = in_turn(
        as_json({"message": "slow down"}, 429, **{"Retry-After": "0"}),
        as_json({"message": "slow down"}, 429, **{"Retry-After": "86400"}),
        as_json(em_document("history", em_point(-1))),
    )
    web = HttpWeb(tries=3, backoff_seconds=0.01, longest_wait_seconds=0.05)
    with serving(replies) as served:
        assert type(em(served.url))(web, KEY, noon, base=served.url).history("FR", us(-2), us(0)).points
        assert len(served.asked) == 3


def test_a_rate_limit_that_lasts_says_when_to_come_again() -> None:
    """With the seconds that the provider names."""
    replies = in_turn(as_json({"message": "slow down"}, 429, **{"Retry-After": "120"}))
    with (
        serving(wt_replies(replies(Asked("", {}, {})))) as served,
        pytest.raises(QuotaSpent, match="in 120 seconds"),
    ):
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))


def test_a_key_is_in_no_message() -> None:
    """Not even where the provider repeats it, or wants it in the address."""
    answer = as_json({"error": {"code": "API_KEY_INVALID", "message": "bad s3cret"}}, 403)
    for made, zone in ((em, "FR"), (entsoe, "FR"), (eia, "CISO")):
        with serving(in_turn(answer)) as served, pytest.raises(WrongKey) as caught:
            made(served.url).history(zone, us(-1), us(0))
        assert "s3cret" not in f"{caught.value!r}{caught.value}"


def test_a_free_key_is_asked_for_what_it_has() -> None:
    """Within the last 24 hours `/history`, which free plans hold; a range only beyond."""
    with serving(em_replies(as_json(em_document("history", em_point(-1))))) as served:
        em(served.url).history("FR", us(-2), us(0))
    assert served.asked[0].path.endswith("/carbon-intensity/history")


# --- time -------------------------------------------------------------------------------------------


def test_long_ranges_are_asked_for_in_pieces(tmp_path: Path) -> None:
    """Ten days at a time; together they are the whole, and no hour comes twice."""
    with serving(every_hour) as served:
        found = asked_for(em(served.url), tmp_path, "FR", -24 * 25, -24 * 2)
        assert len(served.asked) == 3
    assert len(found.series.points) == 23 * 24
    assert found.holes == ()


def test_a_token_is_renewed_before_it_ends_and_when_it_is_refused() -> None:
    """30 minutes: a new one after 25, and one more try at a 401 in the middle."""
    clock = [us(0)]
    data = in_turn(
        as_json(wt_document(1.0)), as_json(wt_document(1.0)), as_json({}, 401), as_json(wt_document(1.0))
    )
    with serving(lambda a: as_json({"token": "t"}) if a.path == "/login" else data(a)) as served:
        provider = wt(served.url, now=lambda: clock[0])
        for minutes in (0, 26, 27):
            clock[0] = us(minutes / 60)
            provider.history("CAISO_NORTH", us(-1), us(0))
    assert _logins(served) == 3


def _logins(served: Served) -> int:
    return [asked.path for asked in served.asked].count("/login")


def test_restated_history_replaces_what_was_estimated(tmp_path: Path) -> None:
    """An estimate is asked for again after an hour; what comes then holds, once."""
    replies = in_turn(
        as_json(em_document("history", em_point(-2, 80.0, isEstimated=True))),
        as_json(em_document("history", em_point(-2, 60.0))),
    )
    cache = GridCache(tmp_path / "grid.sqlite")
    with serving(em_replies(Reply())) as _, serving(replies) as served:
        provider = em(served.url)
        first = find(provider, "lifecycle", cache, "FR", us(-2), us(-1), us(0))
        again = find(provider, "lifecycle", cache, "FR", us(-2), us(-1), us(2))
    assert [(p.grams_per_kwh, p.kind) for p in first.series.points] == [(80.0, ESTIMATED)]
    assert [(p.grams_per_kwh, p.kind) for p in again.series.points] == [(60.0, MEASURED)]


def test_a_time_without_an_offset_is_refused() -> None:
    """Nobody knows whose clock it is."""
    point = em_point(-1, datetime="2026-11-10T11:00:00")
    answer = em_replies(as_json(em_document("history", point)))
    with serving(answer) as served, pytest.raises(SchemaDrift, match="states no offset"):
        em(served.url).history("FR", us(-2), us(0))


def test_an_hour_of_eia_is_named_by_its_end() -> None:
    """Period 12 is 11 to 12."""
    with serving(in_turn(as_json(eia_document(eia_row(0, "NG", "1"))))) as served:
        found = eia(served.url).history("CISO", us(-1), us(0))
    assert (found.points[0].start_us, found.points[0].end_us) == (us(-1), us(0))


def test_daily_means_are_not_taken_for_hours() -> None:
    """The granularity of the answer is checked."""
    document = em_document("history", em_point(-1), temporalGranularity="daily")
    with serving(em_replies(as_json(document))) as served, pytest.raises(SchemaDrift, match="not hourly"):
        em(served.url).history("FR", us(-2), us(0))


# --- what a figure means ----------------------------------------------------------------------------


def test_a_marginal_intensity_never_enters_scope_2() -> None:
    """WattTime's MOER is product-only, and is never added to or filled up with a location-based figure."""
    with serving(wt_replies(as_json(wt_document(1000.0)))) as served:
        series = wt(served.url).history("CAISO_NORTH", us(-1), us(0))
    assert (series.accounting, series.inventory) == ("marginal", "product-only")
    year = Intensity(grams_per_kwh=350.0, zone="USA", basis="direct", source="table")
    whole = hourly_carbon([Slice(us(-1), us(0), 3.6e6)], series, year)
    assert isinstance(whole, Missing)
    first = hourly_carbon([Slice(us(-1), us(-1) + 300_000_000, 3.6e6)], series)
    assert isinstance(first, HourlyCarbon)
    energy = Figure(value=3.6e6, unit="J")
    with pytest.raises(NotComparable):
        total([operational_carbon(energy, one.figure()) for one in (first.intensity, year)])


def test_pounds_per_megawatt_hour_become_grams_and_other_units_are_refused() -> None:
    """1000 lb/MWh are 453.59237 g/kWh."""
    with serving(wt_replies(as_json(wt_document(1000.0)))) as served:
        assert wt(served.url).history("CAISO_NORTH", us(-1), us(0)).points[0].grams_per_kwh == 453.59237
    other = wt_replies(as_json(wt_document(1.0, units="usd_per_mwh")))
    with serving(other) as served, pytest.raises(SchemaDrift, match=r"meta\.units"):
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))


def test_the_basis_is_asked_for_and_checked() -> None:
    """Lifecycle is what Electricity Maps sends unasked; it never passes for direct."""
    with serving(em_replies(as_json(em_document("history", em_point(-1))))) as served:
        with pytest.raises(SchemaDrift, match="not direct"):
            em(served.url, basis="direct").history("FR", us(-2), us(0))
        assert served.asked[0].query["emissionFactorType"] == "direct"


def test_a_lifecycle_figure_never_stands_for_a_direct_one() -> None:
    """Ember is lifecycle: Scope 2 of a country of which nothing else is known is refused."""
    with pytest.raises(RefusedError, match="only a lifecycle figure is known"):
        scope_2("JPN")


def test_estimates_are_said_point_by_point() -> None:
    """`isEstimated` is kept, and so is the share of the energy that met one."""
    document = em_document("history", em_point(-2), em_point(-1, isEstimated=True))
    with serving(em_replies(as_json(document))) as served:
        series = em(served.url).history("FR", us(-2), us(0))
    met = hourly_carbon([Slice(us(-2), us(0), 7.2e6)], series)
    assert isinstance(met, HourlyCarbon)
    assert met.intensity.estimated_share == 0.5


def test_a_null_is_no_zero() -> None:
    """NESO's `actual` is null until it is known: its forecast stands in, as a forecast."""
    with serving(in_turn(as_json({"data": [neso_half(-1, None), neso_half(-0.5, None, None)]}))) as served:
        found = Neso(WEB, noon, base=served.url).history("GB", us(-1), us(0))
    assert [(p.grams_per_kwh, p.kind) for p in found.points] == [(200.0, FORECAST)]


def test_pumping_is_no_generation_and_storage_is_counted_once() -> None:
    """900 MW of pumping change nothing."""
    series = entsoe_series("B14", {1: 50.0}), entsoe_series("B04", {1: 50.0})
    pumping = entsoe_series("B10", {1: 900.0}, direction="out")
    with serving(in_turn(Reply(entsoe_document(*series, pumping)))) as served:
        found = entsoe(served.url).history("FR", us(-1), us(0))
    assert found.points[0].grams_per_kwh == pytest.approx(0.97 * 453.59237 / 2)


def test_a_point_that_is_left_out_repeats_only_where_the_curve_says_so() -> None:
    """Curve type A03 repeats; under A01 the quarter is not known, and nothing is told of that time."""
    coal = entsoe_series("B05", {1: 100.0, 2: 300.0, 4: 300.0}, step="PT15M")
    atom = entsoe_series("B14", {1: 200.0, 2: 200.0, 3: 200.0, 4: 200.0}, step="PT15M")
    for curve, count in (("A03", 4), ("A01", 3)):
        body = entsoe_document(coal.replace("A03</curveType>", f"{curve}</curveType>"), atom)
        with serving(in_turn(Reply(body))) as served:
            found = entsoe(served.url, "lifecycle").history("FR", us(-1), us(0))
        assert len(found.points) == count


ATOM = entsoe_series("B14", {1: 600.0})


@pytest.mark.parametrize(
    ("late", "count"),
    [
        (ATOM, 1),
        (ATOM.replace("12:00Z</end>", "11:30Z</end>").replace("PT60M", "PT15M"), 0),
        (entsoe_series("B19", {1: 20.0}), 2),
        (entsoe_series("B16", {1: 600.0}), 2),
    ],
    ids=["an hour", "half an hour", "little of it", "the sun"],
)  # fmt: skip
def test_an_hour_that_a_plant_has_not_reported_yet_is_not_known(late: str, count: int) -> None:
    """400 MW of gas for two hours, another plant for less: without 600 MW of atom it would be all gas."""
    body = entsoe_document(entsoe_series("B04", {1: 400.0}, hours=2), late)
    with serving(in_turn(Reply(body))) as served:
        asked = entsoe(served.url)
        if not count:
            with pytest.raises(NoData):
                asked.history("FR", us(-1), us(1))
            return
        found = asked.history("FR", us(-1), us(1))
    assert len(found.points) == count


def test_the_region_tables_disagree_so_each_row_names_its_source() -> None:
    """Which zone a cloud region lies in is asked of the provider; what our table tells says who says so."""
    place = find_place("us-central1")
    assert place is not None
    assert place.place_source.startswith("https://")


def test_no_world_average_unasked() -> None:
    """Neither for a zone that nobody knows nor as one of the zones."""
    with pytest.raises(RefusedError, match="--world-average"):
        yearly("Atlantis")
    assert "WORLD" not in zone_names()


# --- documents --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (as_json({}, 500), ProviderDown),
        (as_json({}, 503), ProviderDown),
        (HTML, ProviderDown),
        (Reply(b"{}", 302, {"Location": "http://example.org/"}), ProviderDown),
        (Reply(b"{}", wait=30.0), ProviderDown),
        (Reply(b'{"zone": "FR"', claim=500), HalfDocument),
        (Reply(b'{"zone": "FR", "hist', 200, {"Content-Type": "application/json"}), HalfDocument),
        (as_json({"zone": "FR", "history": [{"carbonIntensity": 1}]}), SchemaDrift),
        (as_json(em_document("history", em_point(-1, carbonIntensity="100"))), SchemaDrift),
        (as_json(em_document("history", em_point(-1, 90_000.0))), SchemaDrift),
    ],
    ids=["500", "503", "a login page", "a redirect", "slow", "cut", "half", "no field", "a text", "unit"],
)
def test_a_provider_that_misbehaves_gives_an_error_of_its_kind(reply: Reply, kind: type[Exception]) -> None:
    """Never a figure."""
    web = HttpWeb(tries=1, timeout_seconds=0.3 if reply.wait else 60.0)
    with serving(em_replies(reply)) as served, pytest.raises(kind):
        type(em(served.url))(web, KEY, noon, base=served.url).history("FR", us(-2), us(0))


def test_version_4_is_asked_for_as_such() -> None:
    """The same shapes under another root, flow-traced by name."""
    answer = em_replies(as_json(em_document("history", em_point(-1), flowTraced=True)))
    with serving(answer) as served:
        assert em(served.url, version="v4").history("FR", us(-2), us(0)).points
    assert served.asked[0].path == "/v4/carbon-intensity/history"
    assert served.asked[0].query["flowTraced"] == "true"


def test_the_cache_holds_no_key(tmp_path: Path) -> None:
    """It may be looked at and passed on."""
    with serving(em_replies(as_json(em_document("history", em_point(-1))))) as served:
        asked_for(em(served.url), tmp_path, "FR", -2, 0)
    assert KEY.text.encode() not in (tmp_path / "grid.sqlite").read_bytes()


def test_another_signal_or_zone_never_answers(tmp_path: Path) -> None:
    """What was fetched as lifecycle is not there as direct."""
    with serving(em_replies(as_json(em_document("history", em_point(-1))))) as served:
        asked_for(em(served.url), tmp_path, "FR", -2, 0)
    cache = GridCache(tmp_path / "grid.sqlite")
    assert isinstance(cache.get("electricity-maps", "lifecycle", "FR", us(-2), us(0)), GridSeries)
    assert cache.get("electricity-maps", "direct", "FR", us(-2), us(0)) is None
    assert cache.get("electricity-maps", "lifecycle", "DE", us(-2), us(0)) is None


def test_every_trap_of_the_page_has_its_test_and_the_other_way_round() -> None:
    """A row that nothing tests is no promise."""
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", PAGE.read_text(encoding="utf-8")))
    here = {name for name in globals() if name.startswith("test_") and "every_trap_of_the_page" not in name}
    assert named == here

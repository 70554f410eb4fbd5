"""Zones by coordinates, cloud region, postcode or number; the lists of what providers know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("urllib3")

from tests.grid.documents import EM_ZONES, em_document, em_point, neso_half, noon, us, wt_document
from tests.grid.serving import Asked, Reply, as_json, in_turn, serving
from tests.grid.test_providers import WEB, eia, em, em_replies, entsoe, wt, wt_replies
from wattmark.core.errors import GridError
from wattmark.core.grid_series import FORECAST
from wattmark.grid.failures import NoData, SchemaDrift, UnknownZone
from wattmark.grid.neso import REGIONS, Neso
from wattmark.grid.provider import ZoneLister, coordinates


@given(st.integers(-9000, 9000), st.integers(-18000, 18000))
def test_coordinates_are_read_as_they_are_written(latitude: int, longitude: int) -> None:
    """Degrees north and east, with a comma between; zero is a place."""
    where = latitude / 100, longitude / 100
    assert coordinates("x", f"{where[0]},{where[1]}") == where


@pytest.mark.parametrize("text", ["FR", "aws:us-east-1", "48.85", "48,85,2,35", "10YFR-RTE------C", ""])
def test_other_texts_are_no_coordinates(text: str) -> None:
    """They are zones."""
    assert coordinates("x", text) is None


def test_nowhere_on_earth_is_refused() -> None:
    """Latitude ends at 90."""
    with pytest.raises(UnknownZone, match="is nowhere"):
        coordinates("x", "91,0")


def test_electricity_maps_places_coordinates() -> None:
    """The zone that it answers is said; the series keeps the name that was asked for."""
    with serving(em_replies(as_json(em_document("history", em_point(-1))))) as served:
        found = em(served.url).history("48.85,2.35", us(-2), us(0))
    assert (served.asked[0].query["lat"], served.asked[0].query["lon"]) == ("48.85", "2.35")
    assert (found.zone, found.note) == ("48.85,2.35", "Electricity Maps puts it in zone FR")


@pytest.mark.parametrize(
    ("zone", "cloud", "region"),
    [
        ("gcp:europe-west9", "gcp", "europe-west9"),
        ("google:europe-west9", "gcp", "europe-west9"),
        ("aws:eu-west-3", "aws", "eu-west-3"),
        ("azure:francecentral", "azure", "francecentral"),
    ],
)
def test_electricity_maps_places_cloud_regions(zone: str, cloud: str, region: str) -> None:
    """By provider and region, without a table of ours."""
    with serving(in_turn(as_json(em_document("history", em_point(-1))))) as served:
        found = em(served.url, version="v4").history(zone, us(-2), us(0))
    query = served.asked[0].query
    assert (query["dataCenterProvider"], query["dataCenterRegion"]) == (cloud, region)
    assert query["disableCallerLookup"] == "true"
    assert found.zone == zone


def test_a_cloud_that_it_does_not_know_is_named() -> None:
    """Before or after it was asked."""
    with pytest.raises(UnknownZone, match="begins with one of aws"):
        em("http://localhost").history("ibm:eu-de", us(-2), us(0))
    answer = in_turn(as_json({"message": "unknown"}, 404))
    with serving(answer) as served, pytest.raises(UnknownZone, match="set one of their zones"):
        em(served.url).history("aws:mars-north-1", us(-2), us(0))


def test_electricity_maps_lists_its_zones() -> None:
    """Version 4 without a list of its own takes that of version 3."""
    replies = in_turn(as_json({}, 404), as_json(EM_ZONES))
    with serving(replies) as served:
        provider = em(served.url, version="v4")
        assert isinstance(provider, ZoneLister)
        assert provider.zones()["FR"] == "France"
    assert [asked.path for asked in served.asked] == ["/v4/zones", "/v3/zones"]


def watttime_at(asked: Asked) -> Reply:
    """San Francisco lies in CAISO_NORTH."""
    if asked.path == "/login":
        return as_json({"token": "t"})
    if asked.path == "/v3/region-from-loc":
        said = {"region": "CAISO_NORTH", "region_full_name": "California", "signal_type": "co2_moer"}
        return as_json({**said, "signal_type": asked.query["signal_type"]})
    return as_json(wt_document(1000.0))


def test_watttime_places_coordinates_once() -> None:
    """region-from-loc for the signal that is asked for, then its region."""
    with serving(watttime_at) as served:
        provider = wt(served.url)
        found = provider.history("37.77,-122.42", us(-1), us(0))
        provider.history("37.77,-122.42", us(-1), us(0))
    located = [asked for asked in served.asked if asked.path.endswith("region-from-loc")]
    assert len(located) == 1
    assert located[0].query == {"signal_type": "co2_moer", "latitude": "37.77", "longitude": "-122.42"}
    assert found.zone == "37.77,-122.42"
    assert found.note.endswith("WattTime puts it in region CAISO_NORTH")
    assert served.asked[-1].query["region"] == "CAISO_NORTH"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (as_json({"error": "not found"}, 404), UnknownZone),
        (as_json({"region": "X", "signal_type": "co2_aoer"}), SchemaDrift),
        (as_json({"region_full_name": "X"}), SchemaDrift),
    ],
)
def test_watttime_somewhere_at_sea(reply: Reply, kind: type[GridError]) -> None:
    """No region is an error, and so is one of another signal."""
    with serving(wt_replies(reply)) as served, pytest.raises(kind):
        wt(served.url).history("0,0", us(-1), us(0))


def test_watttime_lists_what_the_account_may_ask() -> None:
    """Of this signal."""
    regions = [{"region": "CAISO_NORTH", "region_full_name": "California ISO Northern", "access": True}]
    access = {
        "signal_types": [
            {"signal_type": "co2_moer", "regions": regions},
            {"signal_type": "health_damage", "regions": [{"region": "PJM"}]},
        ]
    }
    with serving(wt_replies(as_json(access))) as served:
        assert dict(wt(served.url).zones()) == {"CAISO_NORTH": "California ISO Northern"}


def regional(**told: object) -> Reply:
    """One region of Great Britain, of which forecasts alone are known."""
    half = neso_half(-1, None)
    del half["intensity"]["actual"]
    return as_json({"data": {"dnoregion": "UKPN London", "shortname": "London", "data": [half], **told}})


@pytest.mark.parametrize(
    ("zone", "path", "told"),
    [
        ("13", "/regional/intensity/2026-11-10T11:00Z/2026-11-10T12:00Z/regionid/13", {"regionid": 13}),
        (
            "SW1A 1AA",
            "/regional/intensity/2026-11-10T11:00Z/2026-11-10T12:00Z/postcode/SW1A",
            {"postcode": "SW1A"},
        ),
    ],
)
def test_neso_knows_regions_and_postcodes(zone: str, path: str, told: dict[str, object]) -> None:
    """Only forecasts are there of a region, and that is what they are called."""
    with serving(in_turn(regional(**told))) as served:
        found = Neso(WEB, noon, base=served.url).history(zone, us(-1), us(0))
    assert served.asked[0].path == path
    assert [(p.grams_per_kwh, p.kind) for p in found.points] == [(200.0, FORECAST)]
    assert found.zone == zone


def test_neso_forecasts_a_region() -> None:
    """48 hours from now, of the region."""
    reply = as_json({"data": {"regionid": 13, "data": [neso_half(0, None)]}})
    with serving(in_turn(reply)) as served:
        assert Neso(WEB, noon, base=served.url).forecast("13", 1).points
    assert served.asked[0].path == "/regional/intensity/2026-11-10T12:00Z/fw48h/regionid/13"


@pytest.mark.parametrize(
    ("zone", "reply", "kind"),
    [
        ("13", regional(regionid=3), UnknownZone),
        ("RG10", regional(postcode="SW1A"), UnknownZone),
        ("13", regional(), SchemaDrift),
        ("13", as_json({"data": []}), SchemaDrift),
        ("13", as_json({"data": {"regionid": 13, "data": []}}), NoData),
        ("18", as_json({}), UnknownZone),
        ("  ", as_json({}), UnknownZone),
    ],
)
def test_neso_s_regions_are_held_to_their_names(zone: str, reply: Reply, kind: type[GridError]) -> None:
    """Another region, or one that does not say which it is."""
    with serving(in_turn(reply)) as served, pytest.raises(kind):
        Neso(WEB, noon, base=served.url).history(zone, us(-1), us(0))


def test_lists_that_need_no_question() -> None:
    """Great Britain and its 17 regions; the countries of ENTSO-E."""
    assert len(Neso(WEB, noon).zones()) == 1 + len(REGIONS) == 18
    assert entsoe("http://localhost").zones()["FR"] == "10YFR-RTE------C"


def test_eia_lists_its_authorities() -> None:
    """From the facet of the route that is asked for figures."""
    facets = {"totalFacets": 1, "facets": [{"id": "CISO", "name": "California Independent System Operator"}]}
    with serving(in_turn(as_json({"response": facets}))) as served:
        assert dict(eia(served.url).zones()) == {"CISO": "California Independent System Operator"}
    assert served.asked[0].path == "/v2/electricity/rto/fuel-type-data/facet/respondent/"

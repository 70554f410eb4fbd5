"""Each provider answers with its own zone, signal and unit, or not at all: their known traps, one by one."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("urllib3")

from tests.grid.documents import (
    EM_ZONES,
    ENTSOE_NOTHING,
    FRANCE,
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
from tests.grid.serving import HTML, Answerer, Asked, Reply, as_json, in_turn, serving
from wattmark.core.errors import GridError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED
from wattmark.grid.eia import Eia
from wattmark.grid.electricity_maps import ElectricityMaps
from wattmark.grid.entsoe import Entsoe
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
from wattmark.grid.http import HttpWeb
from wattmark.grid.keys import Secret
from wattmark.grid.neso import Neso
from wattmark.grid.watttime import WattTime

WEB = HttpWeb(tries=1, timeout_seconds=60.0)
KEY = Secret("s3cret")


def em(url: str, **options: Any) -> ElectricityMaps:
    """Electricity Maps at a local address."""
    return ElectricityMaps(WEB, KEY, noon, base=url, **options)


def em_replies(reply: Reply) -> Answerer:
    """One reply to questions, and the list of zones."""
    return lambda asked: as_json(EM_ZONES) if asked.path.endswith("/zones") else reply


@pytest.mark.parametrize("version", ["v3", "v4"])
def test_electricity_maps_tells_hours(version: str) -> None:
    """Each with whether it was estimated; the caller's own place is never asked for."""
    points = em_point(-3, 50.0), em_point(-2, 60.0, isEstimated=True, estimationMethod="TIME_SLICER_AVERAGE")
    extra = {"flowTraced": True} if version == "v4" else {}
    with serving(em_replies(as_json(em_document("history", *points, **extra)))) as served:
        found = em(served.url, version=version).history("FR", us(-3), us(-1))
    assert [(p.start_us, p.end_us, p.grams_per_kwh, p.kind) for p in found.points] == [
        (us(-3), us(-2), 50.0, MEASURED),
        (us(-2), us(-1), 60.0, ESTIMATED),
    ]
    assert (found.zone, found.accounting, found.basis) == ("FR", "location", "lifecycle")
    asked = served.asked[0]
    assert asked.path == f"/{version}/carbon-intensity/history"
    assert asked.query["disableCallerLookup"] == "true"
    assert asked.query["emissionFactorType"] == "lifecycle"
    assert asked.headers["auth-token"] == "s3cret"


def test_electricity_maps_answers_a_longer_past_by_range() -> None:
    """Free keys have the last 24 hours only; what is earlier is another question."""
    with serving(em_replies(as_json(em_document("data", em_point(-48))))) as served:
        found = em(served.url).history("FR", us(-48), us(-47))
    assert len(found.points) == 1
    assert served.asked[0].query["start"] == "2026-11-08T12:00:00Z"


def test_electricity_maps_forecasts() -> None:
    """All of it is a forecast, whatever it says; no more hours than were asked for."""
    points = [em_point(h, 10.0 * (h + 1), emissionFactorType=None) for h in range(24)]
    with serving(em_replies(as_json(em_document("forecast", *points)))) as served:
        found = em(served.url).forecast("FR", 3)
    assert [p.kind for p in found.points] == [FORECAST] * 3
    assert served.asked[0].query["horizonHours"] == "6"


EM_TRAPS = [
    (as_json(em_document("history", em_point(-1), zone="DE")), UnknownZone, "answered for 'DE' instead"),
    (
        as_json(em_document("history", em_point(-1, estimationMethod="SANDBOX_MODE_DATA"))),
        SandboxData,
        "made up",
    ),
    (
        as_json(em_document("history", em_point(-1), _disclaimer="This data is in SANDBOX MODE")),
        SandboxData,
        "made up",
    ),
    (as_json({"error": "Invalid auth-token"}, 401), WrongKey, "wrong, or its quota is spent"),
    (as_json({"status": "error", "message": "range too long"}, 400), SchemaDrift, "range too long"),
    (as_json({"message": "No recent data"}, 404), NoData, "nothing for this zone"),
    (as_json(em_document("history")), NoData, "nothing for zone 'FR'"),
    (as_json(em_document("data", em_point(-1))), SchemaDrift, "no field 'history'"),
    (as_json({"history": [em_point(-1)]}), SchemaDrift, "`zone`"),
    (as_json(em_document("history", em_point(-1, carbonIntensity=None))), SchemaDrift, "carbonIntensity"),
    (
        as_json(em_document("history", em_point(-1, datetime="yesterday"))),
        SchemaDrift,
        r"history\[0\].datetime",
    ),
    (as_json(em_document("history", em_point(-1, datetime="2026-11-10T11:00:00"))), SchemaDrift, "no offset"),
    (
        as_json(em_document("history", em_point(-1, emissionFactorType="direct"))),
        SchemaDrift,
        "not lifecycle",
    ),
    (as_json(em_document("history", em_point(-1), temporalGranularity="daily")), SchemaDrift, "'daily'"),
    (as_json(em_document("history", em_point(-1, 1.0), em_point(-1, 2.0))), SchemaDrift, "hold at once"),
    (as_json(em_document("history", em_point(-1, -5.0))), SchemaDrift, "impossible"),
    (HTML, ProviderDown, "web page"),
]


@pytest.mark.parametrize(("reply", "kind", "said"), EM_TRAPS)
def test_electricity_maps_traps(reply: Reply, kind: type[GridError], said: str) -> None:
    """Sandbox data, another place, another basis or unit: an error, and never a figure."""
    with serving(em_replies(reply)) as served, pytest.raises(kind, match=said):
        em(served.url).history("FR", us(-2), us(0))


def test_electricity_maps_names_close_zones() -> None:
    """`US-CAL-CIS` is `US-CAL-CISO`."""
    with (
        serving(em_replies(as_json({"message": "zone not found"}, 400))) as served,
        pytest.raises(UnknownZone, match="did you mean US-CAL-CISO"),
    ):
        em(served.url).history("US-CAL-CIS", us(-2), us(0))


def test_a_401_after_a_success_is_a_spent_quota() -> None:
    """Electricity Maps answers 401 to a good key whose quota is spent."""
    replies = in_turn(as_json(em_document("history", em_point(-1))), as_json({"error": "no"}, 401))
    with serving(replies) as served:
        provider = em(served.url)
        provider.history("FR", us(-2), us(0))
        with pytest.raises(QuotaSpent, match="key that worked"):
            provider.history("FR", us(-2), us(0))


@pytest.mark.parametrize("options", [{"version": "v2"}, {"basis": "market"}])
def test_electricity_maps_refuses_what_it_does_not_have(options: dict[str, str]) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError):
        em("http://localhost", **options)


def wt(url: str, **options: Any) -> WattTime:
    """WattTime at a local address."""
    return WattTime(WEB, Secret("me"), KEY, options.pop("now", noon), base=url, **options)


def wt_replies(reply: Reply, login: Reply | None = None) -> Answerer:
    """A token for whoever logs in, and one reply to questions."""
    token = login or as_json({"token": "t0ken"})
    return lambda asked: token if asked.path == "/login" else reply


def test_watttime_is_marginal_and_in_pounds_per_megawatt_hour() -> None:
    """1000 lb/MWh are 453.59237 g/kWh; the first point was imputed; no Scope 2 figure may use it."""
    with serving(wt_replies(as_json(wt_document(1000.0, 2000.0)))) as served:
        found = wt(served.url).history("CAISO_NORTH", us(-1), us(0))
    assert [p.grams_per_kwh for p in found.points] == pytest.approx([453.59237, 907.18474])
    assert [p.kind for p in found.points] == [ESTIMATED, MEASURED]
    assert found.points[0].end_us - found.points[0].start_us == 300_000_000
    assert (found.accounting, found.inventory) == ("marginal", "product-only")
    assert served.asked[1].headers["authorization"] == "Bearer t0ken"


def test_watttimes_average_is_location_based() -> None:
    """co2_aoer is another signal, without a forecast."""
    document = wt_document(1000.0, signal_type="co2_aoer")
    with serving(wt_replies(as_json(document))) as served:
        found = wt(served.url, signal="co2_aoer").history("CAISO_NORTH", us(-1), us(0))
        with pytest.raises(UsageError, match="no forecast"):
            wt(served.url, signal="co2_aoer").forecast("CAISO_NORTH", 24)
    assert found.accounting == "location"
    with pytest.raises(UsageError, match="no carbon signal"):
        wt("http://localhost", signal="health_damage")


def test_watttime_forecasts_three_days_at_most() -> None:
    """100 hours become 72."""
    with serving(wt_replies(as_json(wt_document(1.0, hours=0)))) as served:
        found = wt(served.url).forecast("CAISO_NORTH", 100)
    assert found.points[0].kind == FORECAST
    assert served.asked[1].query["horizon_hours"] == "72"


def test_a_token_is_used_until_it_ends() -> None:
    """Two questions, one log-in; after 25 minutes another."""
    clock = [us(0)]
    with serving(wt_replies(as_json(wt_document(1.0)))) as served:
        provider = wt(served.url, now=lambda: clock[0])
        provider.history("CAISO_NORTH", us(-1), us(0))
        provider.history("CAISO_NORTH", us(-1), us(0))
        clock[0] = us(0.5)
        provider.history("CAISO_NORTH", us(-1), us(0))
    assert [asked.path for asked in served.asked].count("/login") == 2


def test_a_token_that_ended_early_is_renewed_once() -> None:
    """A 401 in the middle."""
    data = in_turn(as_json({}, 401), as_json(wt_document(1.0)))
    with serving(lambda a: as_json({"token": "t"}) if a.path == "/login" else data(a)) as served:
        assert wt(served.url).history("CAISO_NORTH", us(-1), us(0)).points
    with serving(wt_replies(as_json({}, 401))) as served, pytest.raises(WrongKey):
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))


WT_TRAPS = [
    (as_json(wt_document(1.0, region="PJM")), UnknownZone, "answered for 'PJM'"),
    (as_json(wt_document(1.0, units="lbs_per_mwh")), SchemaDrift, "meta.units"),
    (as_json(wt_document(1.0, signal_type="co2_aoer")), SchemaDrift, "meta.signal_type"),
    (as_json(wt_document(1.0, data_point_period_seconds=0)), SchemaDrift, "data_point_period_seconds"),
    (as_json({"error": "x", "message": "not in plan"}, 403), WrongKey, "the plan does not hold"),
    (as_json({"error": "invalid region"}, 400), UnknownZone, "CAISO_NORTH"),
    (as_json({"message": "slow down"}, 429), QuotaSpent, "slow down"),
    (as_json(wt_document()), NoData, "nothing"),
    (as_json({"data": []}), SchemaDrift, "`meta`"),
]


@pytest.mark.parametrize(("reply", "kind", "said"), WT_TRAPS)
def test_watttime_traps(reply: Reply, kind: type[GridError], said: str) -> None:
    """Another region, unit or signal is an error."""
    with serving(wt_replies(reply)) as served, pytest.raises(kind, match=said):
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))


def test_a_wrong_password_is_named_without_being_shown() -> None:
    """Which variables to look at."""
    replies = wt_replies(HTML, login=as_json({"error": "s3cret is wrong"}, 403))
    with serving(replies) as served, pytest.raises(WrongKey, match="WATTTIME_PASSWORD") as caught:
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["s3cret\nHost: else", "s3cr\u00e9t", ""])
def test_a_token_that_is_none_is_not_sent_on(token: str) -> None:
    """It would be a header of its own; and it is not shown."""
    replies = wt_replies(HTML, login=as_json({"token": token}))
    with serving(replies) as served, pytest.raises(SchemaDrift, match="field token") as caught:
        wt(served.url).history("CAISO_NORTH", us(-1), us(0))
    assert "s3cr" not in str(caught.value)


def test_neso_tells_half_hours() -> None:
    """The half hour that ends at the start comes too and is left out; a null is a forecast, never 0."""
    halves = neso_half(-1.5, 50.0), neso_half(-1, 0.0), neso_half(-0.5, None), neso_half(0.0, None, None)
    with serving(in_turn(as_json({"data": list(halves)}))) as served:
        found = Neso(WEB, noon, base=served.url).history("GB", us(-1), us(1))
    assert [(p.start_us, p.grams_per_kwh, p.kind) for p in found.points] == [
        (us(-1), 0.0, ESTIMATED),
        (us(-0.5), 200.0, FORECAST),
    ]
    assert found.basis == "direct"
    assert served.asked[0].path == "/intensity/2026-11-10T11:00Z/2026-11-10T13:00Z"


def test_neso_forecasts() -> None:
    """What is actual already stays a forecast here."""
    with serving(in_turn(as_json({"data": [neso_half(0, 10.0, 20.0), neso_half(5, None)]}))) as served:
        found = Neso(WEB, noon, base=served.url).forecast("GB", 2)
    assert [(p.grams_per_kwh, p.kind) for p in found.points] == [(20.0, FORECAST)]


@pytest.mark.parametrize(
    ("zone", "reply", "kind"),
    [
        ("FR", as_json({}), UnknownZone),
        ("GB", as_json({"data": []}), NoData),
        ("GB", as_json({"data": [{"from": "2026-11-10T11:00Z", "intensity": {}}]}), SchemaDrift),
        ("GB", as_json({"error": {"code": "400", "message": "bad"}}, 400), SchemaDrift),
    ],
)
def test_neso_traps(zone: str, reply: Reply, kind: type[GridError]) -> None:
    """It knows Great Britain alone."""
    with serving(in_turn(reply)) as served, pytest.raises(kind):
        Neso(WEB, noon, base=served.url).history(zone, us(-1), us(0))


def entsoe(url: str, basis: str = "direct") -> Entsoe:
    """ENTSO-E at a local address."""
    return Entsoe(WEB, KEY, basis=basis, base=f"{url}/api")


def test_entsoe_is_generation_times_factors() -> None:
    """50 MW nuclear and 50 MW gas at 0.97 lb/kWh: half of 440 g; pumping is no generation; all estimated."""
    document = entsoe_document(
        entsoe_series("B14", {1: 50.0}),
        entsoe_series("B04", {1: 50.0}),
        entsoe_series("B10", {1: 900.0}, direction="out"),
    )
    with serving(in_turn(Reply(document))) as served:
        found = entsoe(served.url).history("FR", us(-1), us(0))
    assert [p.grams_per_kwh for p in found.points] == pytest.approx([0.97 * 453.59237 / 2])
    assert found.points[0].kind == ESTIMATED
    assert "imports are not in it" in found.note
    query = served.asked[0].query
    assert (query["documentType"], query["processType"], query["in_Domain"]) == ("A75", "A16", FRANCE)
    assert (query["periodStart"], query["periodEnd"]) == ("202611101100", "202611101200")


def test_entsoe_repeats_what_is_left_out() -> None:
    """Curve type A03: position 1 holds until position 3; and hours and quarters meet in hours."""
    document = entsoe_document(
        entsoe_series("B05", {1: 100.0, 3: 300.0}, step="PT15M"), entsoe_series("B14", {1: 200.0})
    )
    with serving(in_turn(Reply(document))) as served:
        found = entsoe(served.url, "lifecycle").history("FR", us(-1), us(0))
    assert [p.grams_per_kwh for p in found.points] == pytest.approx([(820 + 12) / 2])


AGES = entsoe_document(entsoe_series("B14", {1: 5.0}, step="PT15M"))

ENTSOE_TRAPS = [
    (Reply(ENTSOE_NOTHING), NoData, "No matching data"),
    (Reply(ENTSOE_NOTHING, 400), NoData, "No matching data"),
    (Reply(b"no", 401), WrongKey, "ENTSOE_API_KEY"),
    (Reply(entsoe_document(entsoe_series("B14", {1: 5.0}))[:-30]), HalfDocument, "in the middle"),
    (Reply(b""), HalfDocument, "in the middle"),
    (Reply(b"<a></b>"), SchemaDrift, "not XML"),
    (Reply(b"<Other/>"), SchemaDrift, "a Other, not"),
    (HTML, ProviderDown, "web page"),
    (Reply(b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'), ProviderDown, "web page"),
    (Reply(entsoe_document(entsoe_series("B14", {1: 5.0}, step="P1Y"))), SchemaDrift, "'P1Y'"),
    (Reply(entsoe_document(entsoe_series("B14", {1: 5.0}).replace("5.0", "five"))), SchemaDrift, "no number"),
    (
        Reply(entsoe_document(entsoe_series("B14", {1: 5.0}).replace("psrType", "kind"))),
        SchemaDrift,
        "psrType",
    ),
    (
        Reply(entsoe_document(entsoe_series("B14", {1: 5.0}).replace(FRANCE, "1" * 16))),
        SchemaDrift,
        "not '10YFR",
    ),
    (Reply(entsoe_document(entsoe_series("B20", {1: 5.0}))), SchemaDrift, "100% of the generation.*other"),
    (Reply(entsoe_document(entsoe_series("B14", {1: 0.0}))), NoData, "nothing"),
    (Reply(entsoe_document()), NoData, "nothing"),
    (Reply(b'<?xml version="1.0" encoding="hex"?><a/>'), SchemaDrift, "encoding"),
    (Reply(b'<?xml version="1.0" encoding="idna"?><a/>'), SchemaDrift, "encoding"),
    *(
        (Reply(AGES.replace(b"2026-11-10T12:00Z", to)), SchemaDrift, "timeInterval is .* days long")
        for to in (b"9999-12-31T23:00Z", b"0001-01-01T00:00Z")
    ),
]


@pytest.mark.parametrize(("reply", "kind", "said"), ENTSOE_TRAPS)
def test_entsoe_traps(reply: Reply, kind: type[GridError], said: str) -> None:
    """An empty answer is a document of its own; a plant without a factor is named."""
    with serving(in_turn(reply)) as served, pytest.raises(kind, match=said):
        entsoe(served.url).history("FR", us(-1), us(0))


def test_entsoe_names_close_areas() -> None:
    """Or takes an EIC code."""
    with pytest.raises(UnknownZone, match="EIC code"):
        entsoe("http://localhost").history("France", us(-1), us(0))


def eia(url: str) -> Eia:
    """EIA at a local address."""
    return Eia(WEB, KEY, base=url)


def test_eia_names_hours_by_their_end() -> None:
    """The period 12 is 11 to 12; storage was counted when it was charged; null is not 0."""
    rows = [
        eia_row(0, "NG", "300"),
        eia_row(0, "SUN", "100"),
        eia_row(0, "BAT", "5000"),
        eia_row(0, "WAT", None),
        eia_row(0, "OTH", "4"),
    ]
    with serving(in_turn(as_json(eia_document(*rows)))) as served:
        found = eia(served.url).history("CISO", us(-1), us(0))
    assert [(p.start_us, p.end_us) for p in found.points] == [(us(-1), us(0))]
    assert found.points[0].grams_per_kwh == pytest.approx(0.75 * 0.97 * 453.59237)
    assert served.asked[0].query["facets[respondent][]"] == "CISO"
    assert served.asked[0].query["start"] == "2026-11-10T11"


EIA_TRAPS = [
    (as_json(eia_document()), NoData, "balancing authority"),
    (as_json(eia_document(eia_row(0, "NG", "1"), total="6000")), SchemaDrift, "1 of 6000 rows"),
    (as_json(eia_document(eia_row(0, "NG", "1"), total="many")), SchemaDrift, "response.total is 'many'"),
    (as_json(eia_document(eia_row(0, "NG", "1"), total="9" * 5000)), SchemaDrift, "response.total"),
    (as_json(eia_document(eia_row(0, "NG", "1", respondent="PJM"))), UnknownZone, "answered for 'PJM'"),
    (as_json(eia_document(eia_row(0, "NG", "1", **{"value-units": "MW"}))), SchemaDrift, "value-units"),
    (as_json(eia_document(eia_row(0, "NG", "much"))), SchemaDrift, r"response.data\[0\]"),
    (as_json(eia_document(eia_row(0, "NG", "1", period="2026-11-10"))), SchemaDrift, "period"),
    (as_json({"error": {"code": "API_KEY_INVALID", "message": "bad s3cret"}}, 403), WrongKey, r"bad \*\*\*"),
    (as_json({"error": {"code": "OVER_RATE_LIMIT"}}, 429), QuotaSpent, "limit of requests"),
    (as_json({"data": []}), SchemaDrift, "`response`"),
]


@pytest.mark.parametrize(("reply", "kind", "said"), EIA_TRAPS)
def test_eia_traps(reply: Reply, kind: type[GridError], said: str) -> None:
    """The key travels in the address and is in no message."""
    with serving(in_turn(reply)) as served, pytest.raises(kind, match=said) as caught:
        eia(served.url).history("CISO", us(-1), us(0))
    assert "s3cret" not in str(caught.value)


def test_no_provider_shows_its_key_when_it_is_down() -> None:
    """Whoever reads the log of a job."""

    def down(_: Asked) -> Reply:
        return as_json({"message": "s3cret t0ken"}, 503)

    with serving(down) as served:
        for provider, zone in ((em(served.url), "FR"), (entsoe(served.url), "FR"), (eia(served.url), "CISO")):
            with pytest.raises(ProviderDown) as caught:
                provider.history(zone, us(-1), us(0))
            assert "s3cret" not in f"{caught.value!r}"

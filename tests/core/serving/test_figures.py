"""Joules per request and per token from windows of serving."""

from dataclasses import replace
from typing import Any

import pytest

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.serving.figures import ServiceFigures, device_figures, figures_by
from wattmark.core.serving.live import EngineState, live_of
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work

CHAT = Service(model="chat")
ACME = Service(model="chat", tenant="acme", model_version="2")
ZEUS = Service(model="chat", tenant="zeus", model_version="2")
MINUTE = 60_000_000
NO_PUE, NO_GRID = Missing("PUE"), Missing("grid intensity")
GRID = Intensity(grams_per_kwh=360.0, zone="X", source="test").figure()


def a_gpu(**said: Any) -> DeviceUse:
    told: dict[str, Any] = {
        "device_id": "gpu",
        "component": "gpu",
        "source": "nvml",
        "method": Method.HARDWARE_COUNTER,
        "grade": Grade.B,
        "errors": {"nvml:gpu:gain": 0.05},
        "energy_joules": 1000.0,
        "observed_seconds": 60.0,
        "idle_joules": 200.0,
        "busy_seconds": 30.0,
        "busy_signal": "requests_active",
        **said,
    }
    return DeviceUse(**told)


def a_window(minute: int = 0, **said: Any) -> ServingWindow:
    """1000 J: 500 for Acme, 300 for Zeus of which 100 failed, 200 idle for the model."""
    told: dict[str, Any] = {
        "host_id": "h",
        "start_us": minute * MINUTE,
        "end_us": (minute + 1) * MINUTE,
        "rule": Rule.TOKENS,
        "devices": (a_gpu(),),
        "shares": (
            Share(
                service=ACME,
                device_id="gpu",
                succeeded_joules=500.0,
                prefill_joules=100.0,
                decode_joules=400.0,
                rule_error_joules=50.0,
            ),
            Share(service=ZEUS, device_id="gpu", succeeded_joules=200.0, failed_joules=100.0),
            Share(service=CHAT, device_id="gpu", idle_joules=200.0),
        ),
        "works": (
            Work(
                service=ACME,
                requests=5.0,
                input_tokens=90.0,
                cached_input_tokens=10.0,
                output_tokens=50.0,
                request_seconds=90.0,
            ),
            Work(
                service=ZEUS,
                requests=3.0,
                failed=1.0,
                input_tokens=10.0,
                cached_input_tokens=0.0,
                output_tokens=30.0,
                request_seconds=30.0,
            ),
        ),
        **said,
    }
    return ServingWindow(**told)


def of(*windows: ServingWindow, by: tuple[str, ...] = ("model",), **said: Any) -> tuple[ServiceFigures, ...]:
    return figures_by(windows, by, **{"pue": NO_PUE, "intensity": NO_GRID, **said})


def known(answer: object) -> Figure:
    assert isinstance(answer, Figure), answer
    return answer


def test_both_kinds_per_request_and_per_token() -> None:
    """800 J while requests ran and 1000 J in all, for 8 requests and 80 tokens."""
    (chat,) = of(a_window())
    assert (chat.requests, chat.failed, chat.input_tokens, chat.output_tokens) == (8.0, 1.0, 100.0, 80.0)
    assert chat.service == Service(model="chat")
    assert known(chat.joules_per_request.attributed).value == 100.0
    assert known(chat.joules_per_request.service).value == 125.0
    assert known(chat.joules_per_output_token.attributed).value == 10.0
    assert known(chat.joules_per_output_token.service).value == 12.5
    assert known(chat.watts_per_1k_qps).value == 125_000.0
    assert known(chat.idle).value == 200.0
    assert known(chat.failed_energy).value == 100.0
    assert (known(chat.prefill).value, known(chat.decode).value) == (100.0, 400.0)
    assert chat.mean_batch == 2.0
    assert known(chat.energy.service).terms == {"boundary": "device", "attribution_rule": "request_tokens"}


def test_the_meter_and_the_rule_are_named_errors() -> None:
    """5 % of 500 J by the meter, 50 J by the rule."""
    _, acme, _ = of(a_window(), by=("model", "tenant"))
    errors = known(acme.energy.attributed).errors
    assert errors == {"nvml:gpu:gain": pytest.approx(25.0), "rule:request_tokens": 50.0}


def test_each_minute_has_its_own_error() -> None:
    """5 % of 1,000 J and 20 % of 1,000 J are 250 J of 2,000 J; a device that used nothing errs by nothing."""
    wider = a_window(1, devices=(a_gpu(errors={"nvml:gpu:gain": 0.2}),))
    (chat,) = of(a_window(), wider)
    assert known(chat.energy.service).errors["nvml:gpu:gain"] == pytest.approx(250.0)
    still = a_gpu(energy_joules=0.0, idle_joules=0.0)
    (nothing,) = of(a_window(devices=(still,), shares=(Share(service=CHAT, device_id="gpu"),)))
    assert known(nothing.energy.service).errors["nvml:gpu:gain"] == 0.0


def test_minutes_add_up_before_they_are_divided() -> None:
    """Two equal minutes give the same joules per request as one."""
    (chat,) = of(a_window(0), a_window(1))
    assert chat.requests == 16.0
    assert known(chat.joules_per_request.service).value == 125.0


def test_tenants_and_releases_are_not_charged_idleness() -> None:
    """Idle energy belongs to the model: a tenant's service figure is missing, and says so."""
    acme, zeus = (f for f in of(a_window(), by=("model", "tenant")) if f.service.tenant)
    assert known(acme.joules_per_request.attributed).value == 100.0
    assert isinstance(acme.joules_per_request.service, Missing)
    assert isinstance(acme.idle, Missing)
    assert isinstance(zeus.prefill, Missing)


def test_a_gap_is_estimated_and_widens_the_interval() -> None:
    """Half a minute unread: 800 J stand for 1600 J, of which 800 J are of grade D and may be nothing."""
    (chat,) = of(a_window(devices=(a_gpu(observed_seconds=30.0),)))
    energy = known(chat.energy.attributed)
    assert (energy.value, energy.coverage, energy.grade) == (1600.0, 0.5, Grade.D)
    assert energy.errors["gap:gpu"] == 800.0
    assert energy.interval[0] <= 800.0


def test_nothing_observed_is_no_figure() -> None:
    """A minute without a reading has no joules per request, not 0."""
    dead = a_gpu(observed_seconds=0.0, energy_joules=0.0, idle_joules=0.0)
    window = a_window(devices=(dead,), shares=(Share(service=CHAT, device_id="gpu"),))
    (chat,) = of(window, by=("model",))
    assert chat.joules_per_request.attributed == Missing(
        "readings of gpu", "it was not observed in this time"
    )
    (device,) = device_figures([window])
    assert device.power_watts is None
    assert isinstance(device.idle_share, Missing)
    assert device.utilisation is None


def test_requests_without_a_device_say_what_to_state() -> None:
    """Work that no device is known to do has no energy."""
    (chat, other) = of(a_window(works=(Work(service=Service(model="other"), requests=1.0),)))
    assert chat.output_tokens is None
    assert isinstance(chat.joules_per_output_token.attributed, Missing)
    assert isinstance(chat.joules_per_request.attributed, Undefined)
    assert isinstance(chat.watts_per_1k_qps, Undefined)
    assert other.energy.attributed == Missing(
        "energy", "no device is known to work for it: state a placement"
    )


def test_tokens_that_one_request_does_not_tell_are_not_known() -> None:
    """The sum of what is known and what is not is not known."""
    works = (
        Work(service=ACME, requests=1.0, output_tokens=5.0),
        Work(service=ZEUS, requests=1.0),
    )
    (chat,) = of(a_window(works=works))
    assert chat.output_tokens is None
    assert chat.mean_batch is None


def test_carbon_meets_the_grid_and_the_pue_once() -> None:
    """125 J a request at 360 g/kWh are 0.0125 g; at the node and with a PUE of 2 they are 0.025 g."""
    (device_only,) = of(a_window(), intensity=GRID)
    assert known(device_only.grams_per_inference.service).value == pytest.approx(0.0125)
    node = a_gpu(component="rest_of_node", boundary=Boundary.NODE)
    (whole,) = of(a_window(devices=(node,)), intensity=GRID, pue=Pue(value=2.0).figure())
    grams = known(whole.grams_per_inference.service)
    assert grams.value == pytest.approx(0.025)
    assert grams.terms["boundary"] == "facility"
    (unknown,) = of(a_window())
    assert unknown.grams_per_inference.service == NO_GRID


def test_energy_of_no_stated_boundary_stays_without_carbon() -> None:
    """A tenant's missing service figure has no grams either."""
    acme = of(a_window(), by=("model", "tenant"), intensity=GRID)[1]
    assert isinstance(acme.grams_per_inference.service, Missing)


def test_a_device_says_how_idle_and_how_busy_it_was() -> None:
    """200 of 1000 J idle, 30 of 60 s busy, 16.7 W."""
    (gpu,) = device_figures([a_window()])
    assert known(gpu.idle_share).value == 0.2
    assert (gpu.utilisation, gpu.busy_signal) == (0.5, "requests_active")
    assert gpu.power_watts == pytest.approx(1000 / 60)
    silent = a_window(devices=(a_gpu(busy_seconds=None),))
    assert device_figures([a_window(), silent])[0].utilisation is None
    off = a_gpu(energy_joules=0.0, idle_joules=0.0)
    assert isinstance(device_figures([a_window(devices=(off,), shares=())])[0].idle_share, Undefined)


def test_no_windows_no_figures() -> None:
    """Before the first minute is over there is nothing to tell."""
    assert of() == ()
    live = live_of([], host_id="h", at_us=7, pue=NO_PUE, intensity=NO_GRID)
    assert (live.start_us, live.end_us, live.models) == (7, 7, ())


def test_of_very_many_parts_those_with_most_energy_are_shown() -> None:
    """A thousand tenants: the 300 with most energy are there, the model has all of it, a note says so."""
    shares = tuple(
        Share(service=Service(model="chat", tenant=str(n)), device_id="gpu", succeeded_joules=float(n))
        for n in range(1000)
    )
    window = a_window(
        shares=shares, works=(), devices=(a_gpu(energy_joules=499_500.0, idle_joules=0.0, errors={}),)
    )
    live = live_of([window], host_id="h", at_us=MINUTE, pue=NO_PUE, intensity=NO_GRID)
    assert len(live.services) == 300
    assert {int(s.service.tenant) for s in live.services} == set(range(700, 1000))
    assert known(live.models[0].energy.attributed).value == 499_500.0
    assert live.notes == ("1000 parts of models served: shown are the 300 with most energy",)


def test_rules_are_told_apart_and_notes_once() -> None:
    """A minute by tokens and one by engines give two figures of a model, the newer first."""
    by_engine = replace(a_window(1), rule=Rule.ENGINE, notes=("late", "late"))
    live = live_of(
        [a_window(), by_engine],
        host_id="h",
        at_us=3 * MINUTE,
        pue=NO_PUE,
        intensity=NO_GRID,
        engines=[EngineState(target="a", engine="vllm", up=True)],
    )
    assert live.rules == (Rule.ENGINE, Rule.TOKENS)
    assert [known(m.energy.service).terms["attribution_rule"] for m in live.models] == [
        "engine_tokens",
        "request_tokens",
    ]
    assert live.notes == ("late",)
    assert (live.start_us, live.end_us) == (0, 2 * MINUTE)


CODE = Service(model="code")


def test_the_rule_moves_energy_between_models_and_not_within_one() -> None:
    """Alone on its GPU a model has all of the 800 J by any rule; beside another one both kinds err by 50."""
    rule = "rule:request_tokens"
    (alone,) = of(a_window())
    assert rule not in known(alone.energy.attributed).errors
    shares = (
        Share(
            service=CHAT, device_id="gpu", succeeded_joules=500.0, idle_joules=200.0, rule_error_joules=50.0
        ),
        Share(service=CODE, device_id="gpu", succeeded_joules=300.0, rule_error_joules=50.0),
    )
    works = tuple(Work(service=service, requests=10.0) for service in (CHAT, CODE))
    chat, code = of(a_window(shares=shares, works=works))
    for kinds in (chat.energy, code.energy):
        assert known(kinds.attributed).errors[rule] == known(kinds.service).errors[rule] == 50.0
    assert known(chat.joules_per_request.service).errors[rule] == 5.0


def test_what_an_engine_does_not_count_is_no_zero() -> None:
    """An engine that counts tokens and no requests, and one that does not say what failed requests used."""
    uncounted = Work(service=ACME, output_tokens=80.0, untold=("requests", "failed", "failed_joules"))
    (chat,) = of(a_window(works=(uncounted,)))
    assert (chat.requests, chat.failed) == (None, None)
    assert isinstance(chat.joules_per_request.service, Missing)
    assert isinstance(chat.watts_per_1k_qps, Missing)
    assert isinstance(chat.failed_energy, Missing)
    assert known(chat.joules_per_output_token.service).value == 12.5

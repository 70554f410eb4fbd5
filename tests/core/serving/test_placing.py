"""Where services run and who keeps which device for itself."""

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.serving.placing import DAY_US, Places, no_overbooking
from wattmark.core.serving.request import Placement, Service

CHAT, CODE = Service(model="chat"), Service(model="code")
GPUS = ("gpu:0", "gpu:1")


def test_without_placements_all_run_everywhere() -> None:
    """Nothing else is known."""
    assert Places((), GPUS).devices_of(CHAT) == set(GPUS)


def test_a_service_that_no_placement_fits_runs_nowhere() -> None:
    """And a placed one only on devices that are there."""
    places = Places((Placement(model="chat", devices=("gpu:0", "gpu:7")),), GPUS)
    assert places.devices_of(CHAT) == {"gpu:0"} == places.devices_of(CHAT)
    assert places.devices_of(CODE) == set()


def test_idle_energy_is_of_those_who_reserve_the_device() -> None:
    """Half, a quarter, and the rest of nobody."""
    places = Places(
        (
            Placement(model="chat", devices=GPUS, reserved=0.5),
            Placement(model="code", target="b", devices=("gpu:0",), reserved=0.25),
            Placement(model="test", devices=GPUS, reserved=0.0),
        ),
        GPUS,
    )
    code = Service(model="code", target="b")
    assert places.idle_of("gpu:0", 0) == ((CHAT, 0.5), (code, 0.25))
    assert places.idle_of("gpu:1", 0) == ((CHAT, 0.5),)


def test_one_model_alone_keeps_the_whole_device() -> None:
    """Before its first request nobody does, and with a second model nobody does."""
    places = Places((), GPUS)
    assert places.idle_of("gpu:0", 0) == ()
    places.ran(Service(model="chat", tenant="a"), 1)
    assert places.idle_of("gpu:0", 1) == ((CHAT, 1.0),)
    places.ran(CODE, 2)
    assert places.idle_of("gpu:0", 2) == ()


def test_a_model_that_went_a_day_ago_is_forgotten() -> None:
    """The other one is alone from then on."""
    places = Places((), GPUS)
    places.ran(CHAT, 0)
    places.ran(CODE, 1)
    assert places.idle_of("gpu:0", DAY_US) == ()
    assert places.idle_of("gpu:0", DAY_US + 1) == ((CODE, 1.0),)


def test_the_one_engine_of_a_model_is_named() -> None:
    """A placement that names none means the one that answers; of two, neither."""
    places = Places((Placement(model="chat", devices=GPUS),), GPUS)
    places.ran(Service(model="chat", target="a"), 1)
    assert places.idle_of("gpu:0", 1) == ((Service(model="chat", target="a"), 1.0),)
    places.ran(Service(model="chat", target="b"), 1)
    assert places.idle_of("gpu:0", 1) == ((CHAT, 1.0),)


def test_models_may_not_reserve_more_than_the_whole() -> None:
    """Both keep all of it: their idle energy would be counted twice."""
    both = [Placement(model=name, devices=GPUS) for name in ("chat", "code")]
    with pytest.raises(UsageError, match=r"gpu:0: .* reserve 200% of it"):
        no_overbooking(both)
    no_overbooking(both[:1])

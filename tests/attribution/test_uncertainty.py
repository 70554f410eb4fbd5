"""How sure the energy of a service is."""

import numpy as np
import pytest

from tests.attribution.exact_power import a_series
from wattmark.attribution.uncertainty import gain_errors, sampling_error, with_sampling
from wattmark.core.known import Grade, Method
from wattmark.core.serving.dividing import Piece


def test_a_series_keeps_the_errors_that_it_states() -> None:
    """A meter with a certificate is known better than its kind."""
    assert gain_errors(a_series([Piece(0, 1, 1.0)], errors={"meter": 0.01})) == {"meter": 0.01}


@pytest.mark.parametrize(
    ("method", "duty", "error"),
    [
        (Method.HARDWARE_COUNTER, 1.0, 0.05),
        (Method.INTEGRATED_POWER, 1.0, 0.1),
        (Method.INTEGRATED_POWER, 0.25, 0.25),
        (Method.MODELLED, 1.0, 0.5),
    ],
)
def test_one_that_states_none_has_the_usual_error_of_its_method(
    method: Method, duty: float, error: float
) -> None:
    """5 % of a counter, 10 % of sampled power, 25 % where the sensor looks a quarter of the time."""
    series = a_series([Piece(0, 1, 1.0)], source="nvml", method=method, grade=Grade.C, sensor_duty=duty)
    assert gain_errors(series) == {"nvml:gpu:0:gain": error}


def test_what_lies_between_samples_is_the_distance_of_two_readings() -> None:
    """What two services gain and lose does not cancel: each may be wrong by it."""
    assert sampling_error(10.0, 12.5) == 2.5
    straight, held = np.array([10.0, 20.0]), np.array([12.0, 18.0])
    assert with_sampling({"m": 0.1}, "gpu:0", straight, held, 40.0) == {"m": 0.1, "sampling:gpu:0": 0.1}
    assert with_sampling({"m": 0.1}, "gpu:0", straight, straight, 40.0) == {"m": 0.1}
    assert with_sampling({}, "gpu:0", straight, held, 0.0) == {}

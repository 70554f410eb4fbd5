"""What is charged makes up the device, whoever it is divided among."""

import pytest

from tests.core.serving.test_window import a_device
from wattmark.core.errors import UsageError
from wattmark.core.serving.conserving import conserved


def test_parts_and_what_is_unallocated_make_up_the_device() -> None:
    """60 and 30 J charged and 10 J of nobody are 100 J; a millionth of a joule is rounding."""
    conserved("a test", [("gpu:0", 60.0), ("gpu:0", 30.0 + 1e-7)], [a_device(100.0)])


def test_who_charges_too_little_or_of_another_device_is_named() -> None:
    """The device with both sums; the one that charges, with the device it does not hold."""
    with pytest.raises(UsageError, match="gpu:0: shares of 70 J do not make up 100 J"):
        conserved("a test", [("gpu:0", 60.0)], [a_device(100.0)])
    with pytest.raises(UsageError, match="a test charges a device that it does not hold: gpu:1"):
        conserved("a test", [("gpu:1", 90.0)], [a_device(100.0)])

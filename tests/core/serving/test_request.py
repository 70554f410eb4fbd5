"""A request, and where it runs."""

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Placement, Request, Service, placed

CHAT = Service(model="chat", target="a")


def a_request(**said: object) -> Request:
    return Request(**{"service": CHAT, "start_us": 10, "end_us": 20, **said})  # type: ignore[arg-type]


def test_a_request_may_state_nothing_but_its_times() -> None:
    """What is not known stays None, which is no 0."""
    request = a_request()
    assert (request.input_tokens, request.output_tokens, request.first_token_us) == (None, None, None)


@pytest.mark.parametrize(
    "said",
    [
        {"end_us": 9},
        {"start_us": -1},
        {"first_token_us": 9},
        {"first_token_us": 21},
        {"output_tokens": -1},
        {"weight": -1},
        {"input_tokens": 3, "cached_input_tokens": 4},
    ],
)
def test_what_no_request_can_be_is_refused(said: dict[str, int]) -> None:
    """Times out of order, amounts below 0, more cached tokens than tokens."""
    with pytest.raises(UsageError):
        a_request(**said)


def test_a_reservation_is_a_share() -> None:
    """More than the whole device cannot be reserved."""
    with pytest.raises(UsageError, match="between 0 and 1"):
        Placement(devices=("gpu",), reserved=1.5)


def test_the_placement_that_says_most_holds() -> None:
    """By model and target before by target alone before any; another model's never."""
    anywhere = Placement(devices=("cpu",))
    here = Placement(target="a", devices=("gpu-0",))
    chat_here = Placement(model="chat", target="a", devices=("gpu-1",))
    other = Placement(model="code", target="a", devices=("gpu-2",))
    assert placed(CHAT, [anywhere, here, chat_here, other]) is chat_here
    assert placed(CHAT, [anywhere, here, other]) is here
    assert placed(CHAT, [other]) is None

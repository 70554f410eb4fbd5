"""Attribution as text and JSON."""

from dataclasses import replace

from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade, Method
from wattmark.core.serving.figures import device_figures, figures_by
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.reports.attribution import AttributionView, Read, attribution_body, attribution_text

CHAT = Service(model="chat", tenant="shop")
MINUTE = 60_000_000


def a_view(by: tuple[str, ...] = ("model",), energy: float = 1000.0) -> AttributionView:
    """70 % of a device in two phases, 20 % reserved, 10 % of nobody."""
    use = DeviceUse(
        device_id="gpu:0",
        component="gpu",
        source="nvml",
        method=Method.HARDWARE_COUNTER,
        grade=Grade.B,
        energy_joules=energy,
        observed_seconds=60.0,
        idle_joules=energy * 0.3,
        unallocated_joules=energy * 0.1,
    )
    used = Share(
        service=CHAT, device_id="gpu:0", succeeded_joules=energy * 0.7, prefill_joules=energy * 0.3,
        decode_joules=energy * 0.4,
    )  # fmt: skip
    kept = Share(service=Service(model="chat"), device_id="gpu:0", idle_joules=energy * 0.2)
    window = ServingWindow(
        host_id="h", start_us=0, end_us=MINUTE, rule=Rule.TOKENS, devices=(use,), shares=(used, kept),
        works=(Work(service=CHAT, requests=9, failed=1, output_tokens=70),),
    )  # fmt: skip
    nothing = Missing("grid intensity", "state one")
    return AttributionView(
        window=window,
        input_cost=1.0,
        by=by,
        groups=figures_by((window,), by, pue=nothing, intensity=nothing),
        devices=device_figures((window,)),
        conservation={"gpu:0": 1e-13},
        estimated=2,
        late=1,
        logs=[Read(name="a.jsonl", taken=10, ignored=1, repeated=0, bad=2, first_bad=["a.jsonl:3: no end"])],
        notes=["look twice"],
    )


def test_text_shows_figures_parts_and_devices() -> None:
    """10 J per output token, 12.9 with idle energy; bars for where it went; what to know below."""
    lines = attribution_text(a_view()).splitlines()
    assert lines[0].endswith("01:00.000Z (1 min 00 s), 10 requests, divided by request_tokens")
    text = "\n".join(lines)
    for said in ("10.0 J", "12.9 J", "chat, writing", "40 %", "nobody's", "1e-13", "nvml, grade B"):
        assert said in text
    assert "- a.jsonl: 10 requests taken, 1 line that tells of no ended request, 2 bad" in lines
    assert "- bad: a.jsonl:3: no end" in lines
    assert "- look twice" in lines
    assert "- chat: grid intensity is not known: state one" in lines


def test_text_of_tenants_leaves_idle_energy_out() -> None:
    """It belongs to the model."""
    text = attribution_text(a_view(("tenant",)))
    assert "without idle energy, which belongs to the model as a whole" in text
    assert "with idle" not in text


def test_text_says_what_carbon_leaves_out() -> None:
    """Energy of devices meets no PUE, whatever was stated: once, not for each model."""
    view = a_view()
    pue, grid = Figure(1.3, "1"), Figure(360.0, "gCO2e/kWh")
    groups = figures_by((view.window,), ("model",), pue=pue, intensity=grid)
    text = attribution_text(replace(view, groups=(*groups, *groups)))
    assert (
        text.count("- carbon: device energy only: the rest of the machine and the building are not in it")
        == 1
    )


def test_idle_energy_alone_is_no_row_among_tenants() -> None:
    """Nobody asked: it stands in the parts and is in no tenant's figures."""
    text = attribution_text(a_view(("model", "tenant")))
    assert "(unnamed)" not in text
    assert "chat, idle" in text


def test_requests_whose_first_token_is_not_known_are_said_to_be_so() -> None:
    """300 J of reading and 400 J of writing become 700 J of both."""
    view = a_view()
    used = replace(view.window.shares[0], prefill_joules=0.0, decode_joules=0.0)
    window = replace(view.window, shares=(used, *view.window.shares[1:]))
    assert "chat, reading and writing" in attribution_text(replace(view, window=window))


def test_lines_that_start_a_request_are_not_said_to_be_lost() -> None:
    """A native log has one for each that ended."""
    log = Read(name="a.jsonl", taken=10, ignored=10, repeated=0, bad=0)
    text = attribution_text(replace(a_view(), logs=[log]))
    assert "a.jsonl: 10 requests taken, 10 lines that tell of no ended request" in text


def test_text_says_what_an_input_token_counted_and_where_requests_are() -> None:
    """As they were asked for; no bars are drawn of nothing."""
    text = attribution_text(replace(a_view(energy=0.0), input_cost=0.25, written="out.parquet"))
    assert "an input token counting 0.25" in text
    assert text.endswith("requests written to out.parquet")
    assert "part of all energy" not in text


def test_bars_need_no_block_characters() -> None:
    """For terminals that have none."""
    assert "█" in attribution_text(a_view())
    assert "█" not in attribution_text(a_view(), ascii_only=True)


def test_json_holds_all_of_it() -> None:
    """Figures with their reasons, conservation by device, what became of the rows."""
    body = attribution_body(a_view())
    assert body["requests"] == {"weighed_by_a_mean": 2, "too_late": 1}
    assert body["devices"][0]["conservation_error"] == 1e-13
    assert body["logs"] == [{"name": "a.jsonl", "requests": 10, "ignored": 1, "repeated": 0, "bad": 2}]
    assert body["groups"][0]["joules_per_output_token"]["attributed"]["value"] == 10
    assert body["written_to"] is None

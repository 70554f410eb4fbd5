"""``wattmark engines``: the table, and what engines that run tell."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.engines.test_scrape import Answers, a_server
from wattmark.cli.engines import LOOK_FAILED, command
from wattmark.core.errors import UsageError
from wattmark.core.serving.engine import Quantity

PAGES = Path(__file__).parents[1] / "engines" / "pages"
VLLM = (PAGES / "vllm-0.32.0.prom").read_bytes()
LATER = VLLM.replace(
    b'generation_tokens_total{engine="0",model_name="tiny"} 48.0',
    b'generation_tokens_total{engine="0",model_name="tiny"} 96.0',
)


def engines(*arguments: str) -> tuple[int, str]:
    """Exit code and output; errors come through as they are raised."""
    patient = ("--timeout", "60", *arguments)
    result = CliRunner().invoke(command, patient, standalone_mode=False, catch_exceptions=False)
    return result.return_value or 0, result.output


def document(*arguments: str) -> tuple[int, dict[str, Any]]:
    code, output = engines(*arguments, "--json")
    return code, json.loads(output)


def test_the_table_says_what_each_engine_tells() -> None:
    """One line per engine, one mark per quantity."""
    code, output = engines()
    lines = {line.split()[0]: line.split() for line in output.splitlines() if line}
    assert code == 0
    assert lines["vllm"][-len(Quantity) :] == ["x"] * len(Quantity)
    assert lines["llama.cpp"][-len(Quantity) :] == ["-", "-", *"xxxxx", "-", *"xxx"]
    assert set(lines["ollama"][-len(Quantity) :]) == {"-"}


def test_the_table_as_json_names_metrics_and_reasons() -> None:
    """With its schema."""
    code, body = document()
    assert (code, body["schema"], body["schema_version"]) == (0, "wattmark.engines", 1)
    by_id = {engine["id"]: engine for engine in body["engines"]}
    assert by_id["llama.cpp"]["metrics"]["output_tokens"] == [["llamacpp:tokens_predicted_total"]]
    assert "counts none" in by_id["llama.cpp"]["missing"]["requests"]
    assert by_id["ollama"]["switch_on"].startswith("it has no metrics")


def test_one_look_tells_load_and_counters() -> None:
    """Of each model; nothing is said between two looks that were not made."""
    with a_server(Answers({"/metrics": VLLM})) as url:
        code, output = engines(url)
        _, body = document(url)
    assert code == 0
    assert f"{url}  vLLM\n  model tiny\n    now: running 0, waiting 0, kv_cache_usage 0\n" in output
    assert "since its start: requests 3, failed 0, input_tokens 33" in output
    (look,) = body["looks"]
    (model,) = look["models"]
    assert (body["schema"], body["schema_version"], look["status"]) == ("wattmark.engine-looks", 1, "known")
    assert model["since_start"]["output_tokens"] == 48.0
    assert (model["between"], model["between_gap"], look["between_seconds"]) == (None, None, None)


def test_two_looks_tell_what_was_done_between_them() -> None:
    """48 tokens more."""
    answers = Answers()
    answers.pages = Growing(VLLM, LATER)
    with a_server(answers) as url:
        code, body = document(url, "--seconds", "0.1")
    (look,) = body["looks"]
    assert code == 0
    assert look["models"][0]["between"]["output_tokens"] == 48.0
    assert look["between_seconds"] >= 0.1


class Growing(dict[str, bytes]):
    """Pages of which the first is answered once."""

    def __init__(self, first: bytes, later: bytes) -> None:
        super().__init__()
        self.left = [first]
        self.later = later

    def get(self, path: str, default: Any = None) -> Any:
        return self.left.pop() if self.left else self.later


def test_rates_are_shown_and_restarts_are_told() -> None:
    """Per second; an engine that counts less than before began anew, and its rates are not known."""
    for first, second, says in (
        (VLLM, LATER, " s: 0 req/s, 0 failed/s, 0 in tok/s, "),
        (LATER, VLLM, "between the looks: not known, the engine began to count anew"),
    ):
        answers = Answers()
        answers.pages = Growing(first, second)
        with a_server(answers) as url:
            code, output = engines(url, "--seconds", "0.1")
        assert code == 0
        assert says in output


def test_another_start_of_the_process_is_a_gap() -> None:
    """Although every counter is higher."""
    answers = Answers()
    answers.pages = Growing(
        VLLM,
        LATER.replace(b"process_start_time_seconds 1.79532776105e+09", b"process_start_time_seconds 1.8e+09"),
    )
    with a_server(answers) as url:
        code, body = document(url, "--seconds", "0.1")
    assert code == LOOK_FAILED
    assert body["looks"][0] == {
        "target": url,
        "status": "gap",
        "kind": "restarted",
        "reason": "the engine was started anew between two looks",
    }


def test_what_is_missing_is_told_with_its_reason() -> None:
    """llama.cpp counts no requests and names no model."""
    with a_server(Answers({"/metrics": (PAGES / "llama.cpp-b11549.prom").read_bytes()})) as url:
        _, output = engines(url)
    assert "model (its metrics name none)" in output
    assert "not told: requests: llama.cpp counts none: send requests through wattmark's proxy" in output


def test_an_engine_that_nobody_asked_has_no_model_yet() -> None:
    """MLServer makes its series with the first request."""
    page = b"# TYPE model_infer_request_success_total counter\n"
    with a_server(Answers({"/metrics": page})) as url:
        code, output = engines(url)
    assert (code, "no model has been asked yet" in output) == (0, True)


def test_a_look_that_failed_is_said_and_the_others_are_shown() -> None:
    """Exit code 3; nothing is a zero."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        with a_server(Answers({"/metrics": VLLM})) as url:
            code, output = engines(nobody, url, "--seconds", "0.1")
            _, body = document(nobody)
    assert code == LOOK_FAILED
    assert f"{nobody}\n  no reading: {nobody}: no answer: Connection refused" in output
    assert "model tiny" in output
    assert (body["looks"][0]["status"], body["looks"][0]["kind"]) == ("gap", "unreachable")


def test_an_address_that_is_none_is_refused() -> None:
    """Before anybody is asked."""
    with pytest.raises(UsageError, match="is no address of an engine"):
        engines("vllm")

"""Engines of a machine are found by their command lines and by the ports they usually have."""

from pathlib import Path

import pytest

from wattmark.engines.discover import Candidate, discover, kind_of_command, listening_ports
from wattmark.engines.table import bundled_engines

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def a_machine(folder: Path, commands: dict[int, list[str]], listening: dict[str, list[int]]) -> Path:
    """A /proc with some processes, and sockets by the name of their file."""
    for pid, command in commands.items():
        (folder / str(pid)).mkdir(parents=True)
        (folder / str(pid) / "cmdline").write_bytes("\0".join([*command, ""]).encode())
    (folder / "net").mkdir(parents=True)
    for name, ports in listening.items():
        lines = [f"   {at}: 0100007F:{port:04X} 00000000:0000 0A 0 0 0\n" for at, port in enumerate(ports)]
        lines.append("   9: 0100007F:1F40 0100007F:8235 01 0 0 0\n")  # 8000, and only a connection
        (folder / "net" / name).write_text(HEAD + "".join(lines))
    return folder


def test_processes_tell_engine_host_and_port(tmp_path: Path) -> None:
    """By whatever interpreter and path they were started; a port that is not said is the usual one."""
    proc = a_machine(
        tmp_path,
        {
            7: ["/usr/bin/python3", "/opt/vllm/bin/vllm", "serve", "some/model", "--port", "9000"],
            8: ["python", "-m", "sglang.launch_server", "--model-path", "m", "--host=10.0.0.5"],
            9: ["/opt/llama/llama-server", "-m", "m.gguf", "--host", "0.0.0.0", "--port=8088", "--metrics"],
            10: ["/usr/local/bin/ollama", "serve"],
            11: ["vim", "vllm-notes.txt"],
            12: [],
        },
        {},
    )
    assert discover(proc) == [
        Candidate(url="http://127.0.0.1:9000", engine="vllm", pid=7),
        Candidate(url="http://10.0.0.5:30000", engine="sglang", pid=8),
        Candidate(url="http://127.0.0.1:8088", engine="llama.cpp", pid=9),
        Candidate(url="http://127.0.0.1:11434", engine="ollama", pid=10, shows_metrics=False),
    ]


def test_usual_ports_that_somebody_listens_on_are_candidates(tmp_path: Path) -> None:
    """Triton's 8002 and vLLM's 8000, the latter over IPv6; a connection from 8000 is no listener."""
    proc = a_machine(tmp_path, {}, {"tcp": [8002, 22], "tcp6": []})
    assert discover(proc) == [Candidate(url="http://127.0.0.1:8002", engine="")]
    assert listening_ports(a_machine(tmp_path / "b", {}, {"tcp6": [8000]})) == {8000}


def test_one_port_is_one_candidate(tmp_path: Path) -> None:
    """A server of several processes, which listens on its usual port."""
    proc = a_machine(tmp_path, {7: ["vllm", "serve", "m"], 8: ["vllm", "serve", "m"]}, {"tcp": [8000]})
    assert discover(proc) == [Candidate(url="http://127.0.0.1:8000", engine="vllm", pid=7)]


def test_an_address_of_ipv6_has_its_brackets(tmp_path: Path) -> None:
    """Else its last part would be read as a port."""
    proc = a_machine(tmp_path, {7: ["vllm", "serve", "m", "--host", "fd00::1", "--port", "1"]}, {})
    assert [c.url for c in discover(proc)] == ["http://[fd00::1]:1"]


@pytest.mark.parametrize("port", ["", "http", "123456"])
def test_a_port_that_is_none_is_the_usual_one(tmp_path: Path, port: str) -> None:
    """An option without a value, or with a word."""
    command = ["vllm", "serve", "m", "--port", *([port] if port else [])]
    assert [c.url for c in discover(a_machine(tmp_path, {7: command}, {}))] == ["http://127.0.0.1:8000"]


def test_a_machine_without_proc_has_no_candidates(tmp_path: Path) -> None:
    """Other systems."""
    assert discover(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("command", "engine"),
    [
        ("python -m vllm.entrypoints.openai.api_server --model m", "vllm"),
        ("trtllm-serve serve m --port 8001", "tensorrt-llm"),
        ("/opt/tritonserver/bin/tritonserver --model-repository=/m", "triton"),
        ("text-generation-launcher --model-id m", "tgi"),
        ("python -m dynamo.frontend", "dynamo"),
        ("ray::ServeReplica:app:model", "ray-serve"),
        ("mlserver start .", "mlserver"),
        ("bentoml serve service:S", "bentoml"),
        ("bash", None),
    ],
)
def test_engines_by_their_command_lines(command: str, engine: str | None) -> None:
    """As each one's documentation starts it."""
    found = kind_of_command(command.split(), bundled_engines())
    assert (found.id if found else None) == engine

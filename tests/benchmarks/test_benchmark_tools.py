"""The declarations are complete, and the driver drives what they say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from benchmarks.context import in_turns
from benchmarks.launch import Job, clean, probe
from benchmarks.tools import BadDeclaration, Variant

from benchmarks import budgets, launch, machine, networks, results, rows, run, tools

GOOD = """
[x]
kind = "meter"
install = ["x"]
distribution = "x"
imports = { import-cpu = "import x" }
[x.variants.default]
prep = "pass"
make = "t = 1"
start = "pass"
stop = "pass"
"""


def _declared(folder: Path, text: str) -> tuple[tools.Tool, ...]:
    path = folder / "tools.toml"
    path.write_text(text)
    return tools.load(path)


def test_the_peers_of_the_budget_table_are_all_declared() -> None:
    """We are measured beside the five tools that the budgets name, and only one of all is ours."""
    declared = tools.load()
    assert {"codecarbon", "zeus", "carbontracker", "eco2ai", "ecologits"} <= {tool.name for tool in declared}
    assert [tool.name for tool in declared if tool.ours] == ["wattmark"]


def test_every_import_row_is_a_row_of_the_report() -> None:
    """A misspelt row would be measured and never shown."""
    known = {budget.row for budget in budgets.load()}
    assert {row for tool in tools.load() for row in tool.imports} <= known


def test_every_budget_has_a_row_of_its_own() -> None:
    """Two budgets of one name would both be judged by the same figure."""
    named = [budget.row for budget in budgets.load()]
    assert len(named) == len(set(named))


def test_every_measurement_can_be_loaded() -> None:
    """The catalogue names modules that exist and offer `measure`."""
    assert all(callable(rows.load(name)) for name in rows.MODULES)


def test_a_declaration_is_read(tmp_path: Path) -> None:
    """Keys that may be left out have plain defaults."""
    (tool,) = _declared(tmp_path, GOOD)
    assert (tool.name, tool.ours, tool.command) == ("x", False, ())
    assert tool.variants[0].result == "None"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind =", "sort ="), "lacks `kind`"),
        (('"meter"', '"oracle"'), "use one of meter, estimator"),
        (('stop = "pass"', 'stop = "pass"\nhalt = "x"'), "unknown key `halt`"),
        (('make = "t = 1"', 'make = "t ="'), "make is not Python"),
    ],
)
def test_a_bad_declaration_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """The message names the table and the key."""
    with pytest.raises(BadDeclaration, match=message) as caught:
        _declared(tmp_path, GOOD.replace(*change))
    assert "[x" in str(caught.value)


def test_a_tool_that_works_is_timed() -> None:
    """Three windows give three times, the namespace is shared, and the result is shown."""
    variant = Variant("v", prep="n = 0", make="n += 1", start="pass", stop="print('hello')", result="n")
    done = probe(Path(sys.executable), variant, Job(windows=3))
    assert done.error == ""
    assert done.answer["result"] == "3"
    assert [set(window) for window in done.answer["windows"]] == [{"wall_s", "cpu_s", "children"}] * 3
    assert done.answer["peak_kib"] > 1000
    assert done.said.splitlines() == ["hello"] * 3


def test_a_tool_that_raises_is_a_finding() -> None:
    """What it raised is kept, whatever it is, and the windows it finished too."""
    variant = Variant("v", prep="import sys", make="pass", start="pass", stop="sys.exit('no licence')")
    done = probe(Path(sys.executable), variant, Job())
    assert done.error == "SystemExit: no licence"
    assert done.answer["windows"] == []
    assert done.answer["imported"] is True


def test_a_tool_that_dies_is_a_finding() -> None:
    """Without an answer the exit code is all there is."""
    variant = Variant("v", prep="import os", make="os._exit(9)", start="pass", stop="pass")
    assert probe(Path(sys.executable), variant, Job()).error == "exit code 9"


def test_a_tool_that_hangs_is_ended_and_said() -> None:
    """Ten minutes of sleep do not hold up the benchmark."""
    variant = Variant("v", prep="import time", make="time.sleep(600)", start="pass", stop="pass")
    done = probe(Path(sys.executable), variant, Job(limit_s=0.5))
    assert done.error == "still running after 0.5 s"
    assert done.wall_s < 300


def test_sockets_look_ups_files_and_programs_are_witnessed() -> None:
    """What a tool does to the world is seen, and counted only when it is the internet."""
    does = "\n".join(
        [
            "import socket, subprocess, sys",
            "socket.socket().close()",
            "socket.socket(socket.AF_UNIX).close()",
            "socket.getaddrinfo('127.0.0.1', 80)",
            "open(tmp + '/left.txt', 'w').close()",
            "subprocess.run([sys.executable, '-c', 'pass'])",
        ]
    )
    variant = Variant("v", prep=does, make="pass", start="pass", stop="pass")
    seen = probe(Path(sys.executable), variant, Job(witness=True)).answer["seen"]
    assert (seen["sockets"], seen["lookups"], seen["names"]) == (1, 1, ["127.0.0.1"])
    assert [Path(path).name for path in seen["files"]] == ["left.txt"]
    assert len(seen["programs"]) == 1


def test_cpu_of_children_is_counted() -> None:
    """A window that spends its CPU in a child process is charged for it."""
    burn = "import subprocess, sys; work = 'sum(i * i for i in range(2_000_000))'"
    alone = Variant("v", prep=burn, make="pass", start="pass", stop="pass")
    child = Variant(
        "v", prep=burn, make="pass", start="pass", stop="subprocess.run([sys.executable, '-c', work])"
    )
    spent = [
        probe(Path(sys.executable), variant, Job()).answer["windows"][0]["cpu_s"]
        for variant in (alone, child)
    ]
    assert spent[1] > spent[0]


def test_a_text_loses_the_paths_of_the_machine() -> None:
    """Scratch and environment get names, homes a placeholder; an address on the web stays."""
    python = Path("/opt/envs/x/bin/python")
    text = clean("/s/c/e.csv /opt/envs/x/lib/a.py '/home/me/b' https://a.org/tmp/x", Path("/s/c"), python)
    assert text == "<scratch>/e.csv <environment>/lib/a.py '<path>' https://a.org/tmp/x"


def test_samples_are_taken_in_rounds() -> None:
    """Every subject has its turn before any has its second."""
    order: list[str] = []
    taken = in_turns(["a", "b"], 2, lambda subject: order.append(subject) or len(order))
    assert order == ["a", "b", "a", "b"]
    assert taken == [("a", [1, 3]), ("b", [2, 4])]


def test_a_machine_is_described_by_its_kind(tmp_path: Path) -> None:
    """CPU model and core count make the class; nothing names the host."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(
        "model name\t: AMD EPYC 7763 64-Core Processor\nflags\t\t: fpu hypervisor\n"
    )
    (tmp_path / "proc/meminfo").write_text("MemTotal:       1000000 kB\n")
    told = machine.describe(tmp_path) | {"system": "Linux", "architecture": "x86_64", "cores": 4}
    assert machine.host_class(told) == "linux-x86_64-amd-epyc-7763-64-core-4cpu"
    assert (told["virtual_machine"], told["memory_gb"], told["rapl"]) == (True, 1.0, False)


def test_this_network_needs_no_wrapping(tmp_path: Path) -> None:
    """Only the artificial networks change the command."""
    assert networks.inside(networks.OWN, ["x"], tmp_path) == ["x"]
    assert networks.inside(networks.NONE, ["x"], tmp_path)[-1] == "x"
    assert networks.inside(networks.DROPPED, ["x"], tmp_path)[-1] == "x"


@pytest.mark.skipif(bool(networks.why_not()), reason="network namespaces need root")
def test_a_dropping_network_swallows_and_counts() -> None:
    """A datagram leaves, is counted, and nothing fails; with no network there is no way out."""
    send = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    variant = Variant("v", prep=send, make="s.sendto(b'x', ('192.0.2.1', 9))", start="pass", stop="pass")
    dropped = probe(Path(sys.executable), variant, Job(), networks.DROPPED)
    alone = probe(Path(sys.executable), variant, Job(), networks.NONE)
    assert (dropped.error, dropped.answer["packets"]) == ("", 1)
    assert "unreachable" in alone.error


def test_stored_results_name_no_machine() -> None:
    """No path of a home, scratch or work folder is in any results file."""
    for path in (Path(launch.__file__).parent / "results").glob("*.json"):
        text = json.dumps(json.loads(path.read_text(encoding="utf-8")))
        folders = [f"{before}/{home}/" for before in ('"', " ") for home in ("home", "root", "tmp")]
        assert not [folder for folder in folders if folder in text]


def test_the_page_is_made_of_results_of_its_own() -> None:
    """Other benchmarks keep their results beside them."""
    assert results.read(run.latest()).measurements

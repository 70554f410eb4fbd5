"""OTLP metrics in files, as the Collector's file exporter writes them."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from tests.sources.otlp_messages import NODE, Request, as_json, counter, gauge, histogram, number, request
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.telemetry import Samples
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.source_suite import SourceSuite, SourceWorld

J = 1_000_000
CPU = {"hw.id": "package-0", "hw.type": "cpu"}


def at(second: float) -> Request:
    """One export: a counter of a GPU, a power of a processor, tokens, and a metric that is none of ours."""
    return request(
        counter("hw.energy", [number(1000.0 + 100 * second, second)]),
        gauge("hw.power", [number(50.0, second, CPU)]),
        counter("gen_ai.client.inference.usage.output_tokens", [number(int(second), second, {})], "{token}"),
        gauge("system.cpu.load", [number(0.5, second)]),
    )


class OtlpWorld:
    """An export every ten seconds, one message per line or after its length."""

    def __init__(self, folder: Path, form: str) -> None:
        self._folder = folder
        self._form = form
        self.path = folder / f"metrics.{form}"
        self._messages = [
            as_json(at(s)) if form == "jsonl" else at(s).SerializeToString() for s in range(0, 50, 10)
        ]
        self._write()

    def _write(self) -> None:
        parts = [
            m + b"\n" if self._form == "jsonl" else len(m).to_bytes(4, "big") + m for m in self._messages
        ]
        self.path.write_bytes(b"".join(parts))
        self.rows = 4 * len(self._messages)

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("otlp", [str(self.path)], Asked())

    def grow(self) -> None:
        message = at(50)
        self._messages.append(as_json(message) if self._form == "jsonl" else message.SerializeToString())
        self._write()

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / f"other.{self._form}"))

    def damage(self) -> str:
        broken = request(counter("hw.energy", [number(1200.0, 20)], unit="parsec"))
        points = at(20)
        points.resource_metrics[0].scope_metrics[0].metrics[0].CopyFrom(
            broken.resource_metrics[0].scope_metrics[0].metrics[0]
        )
        self._messages[2] = as_json(points) if self._form == "jsonl" else points.SerializeToString()
        self._write()
        return f"{self.path.name}:3" if self._form == "jsonl" else f"{self.path.name}: message 3"

    def garble(self) -> None:
        self.path.write_bytes(
            b"<html>not found</html>" if self._form == "jsonl" else b"\x00\x00\x00\x02\xff\xff"
        )

    def remove(self) -> None:
        self.path.unlink()


class TestOtlpJson(SourceSuite):
    """JSON lines."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return OtlpWorld(tmp_path, "jsonl")


class TestOtlpProtobuf(SourceSuite):
    """Messages after four bytes that hold their length."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return OtlpWorld(tmp_path, "proto")


def brought(path: Path, *messages: Request, **settings: str) -> Imported:
    """What a file of these messages gives, as one portion."""
    path.write_bytes(b"".join(as_json(m) + b"\n" for m in messages))
    (portion,) = open_source("otlp", [str(path)], Asked(settings=settings)).read()
    return portion


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a file will be."""
    return tmp_path / "metrics.jsonl"


def of(found: Imported, unit: str) -> Samples:
    """The only samples of a unit."""
    (samples,) = [s for s in found.samples if s.stream.unit == unit]
    return samples


def test_both_forms_give_the_same_records(tmp_path: Path) -> None:
    """A file says the same, however it was written."""
    json, proto = OtlpWorld(tmp_path, "jsonl"), OtlpWorld(tmp_path, "proto")
    assert [p.samples for p in json.open().read()] == [p.samples for p in proto.open().read()]


def test_a_series_goes_on_from_one_file_to_the_next(tmp_path: Path) -> None:
    """Rotated files, named in their order, are one sequence: the interval between them is there."""
    paths = []
    for index, second in enumerate((0, 10)):
        path = tmp_path / f"metrics-{index}.jsonl"
        path.write_bytes(as_json(request(counter("hw.energy", [number(100.0 * second, second)]))))
        paths.append(str(path))
    portions = list(open_source("otlp", paths, Asked()).read())
    (samples,) = portions[1].samples
    assert list(samples.energy_uj) == [1000 * J]


def test_a_single_protobuf_message_and_a_packed_file_are_read(tmp_path: Path) -> None:
    """What an exporter would have posted, kept as it is; and JSON lines in .gz."""
    messages = request(counter("hw.energy", [number(5.0, 10), number(25.0, 20)]))
    single, packed = tmp_path / "one.pb", tmp_path / "all.jsonl.gz"
    single.write_bytes(messages.SerializeToString())
    packed.write_bytes(gzip.compress(as_json(messages)))
    (one,), (two,) = (open_source("otlp", [str(p)], Asked()).read() for p in (single, packed))
    assert one.samples == two.samples
    assert list(one.samples[0].energy_uj) == [0, 20 * J]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\x00\x00\x05ab", "message 1: is not whole"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"\x00\x00\x00\x09\x28\xb5\x2f\xfd.....", "zstd"),
        (b"PNG", "neither OTLP JSON lines nor OTLP protobuf"),
        (b'{"resourceSpans":[]}', "holds traces or logs"),
        (b'{"a":\n', ":1: is no OTLP"),
    ],
)
def test_another_format_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """With what it is, where that can be told."""
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=reason):
        list(open_source("otlp", [str(path)], Asked()).read())


def test_a_packed_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    """Its end is missing."""
    path = tmp_path / "m.jsonl.gz"
    path.write_bytes(gzip.compress(as_json(at(0)))[:-9])
    with pytest.raises(EvidenceError, match=r"m\.jsonl\.gz: cannot be unpacked"):
        list(open_source("otlp", [str(path)], Asked()).read())


def test_an_empty_file_holds_nothing(file: Path) -> None:
    """An exporter that had nothing to write."""
    assert brought(file) == Imported()


def test_lines_that_are_no_json_are_bad_rows(file: Path) -> None:
    """By their number; the lines around them are kept."""
    lines = [as_json(at(0)), b'{"resourceMetrics": 7}', b"", as_json(at(10)), b"{"]
    file.write_bytes(b"\n".join(lines))
    (found,) = open_source("otlp", [str(file)], Asked()).read()
    assert [b.place for b in found.bad] == [f"{file}:2", f"{file}:5"]
    assert "Expected `array | null`" in found.bad[0].reason
    assert of(found, "output_tokens").count == [10.0]


def test_tags_come_from_the_table_of_names(file: Path) -> None:
    """OpenTelemetry's names, wattmark.TAG before them, and what is not in the table is not kept."""
    resource = {
        **NODE,
        "wattmark.team": "search",
        "service.namespace": "shop",
        "deployment.environment.name": "production",
        "cloud.region": "eu-west-1",
        "process.command_line": "python train.py --secret",
        "k8s.namespace.name": "ml",
    }
    told = {"gen_ai.request.model": "m", "gen_ai.response.model": "m-2026", "gen_ai.operation.name": "chat"}
    message = histogram("gen_ai.client.token.usage", 30, 12.0, 3, {**told, "gen_ai.token.type": "input"})
    stream = of(brought(file, request(message, resource=resource)), "input_tokens").stream
    subject = stream.subject
    assert (subject.project, subject.team, subject.environment) == ("training", "search", "production")
    assert (subject.model, subject.model_version, subject.task) == ("m", "m-2026", "chat")
    assert (subject.stage, subject.region) == ("inference", "eu-west-1")
    assert subject.labels == {"service.namespace": "shop", "k8s.namespace.name": "ml"}
    assert "secret" not in repr(stream)


def test_more_attributes_are_kept_when_asked_for(file: Path) -> None:
    """-o keep=..."""
    message = request(
        counter("hw.energy", [number(1.0, 1), number(2.0, 2)]), resource={**NODE, "owner": "ann"}
    )
    assert brought(file, message).samples[0].stream.subject.labels == {}
    assert brought(file, message, keep="owner, none").samples[0].stream.subject.labels == {"owner": "ann"}


def test_devices_keep_the_names_that_other_sources_give_them(file: Path) -> None:
    """GPUs by UUID, packages as RAPL has them; a parent that is named becomes part_of."""
    part = {"hw.id": "dimm3", "hw.type": "memory", "hw.parent": "package-0"}
    points = [number(1.0, s, a) for a in (GPU_POINT, CPU, part) for s in (1, 2)]
    found = brought(file, request(counter("hw.energy", points)))
    gpu, cpu, memory = (s.stream for s in found.samples)
    host = gpu.host_id
    assert host.startswith("h-")
    assert gpu.device_id == "GPU-aaaa"
    assert (cpu.device_id, cpu.component, cpu.part_of) == (f"cpu:{host}/package-0", "cpu", None)
    assert (memory.device_id, memory.component) == (f"hw:{host}/dimm3", "dram")
    assert memory.part_of == cpu.device_id


GPU_POINT = {"hw.id": "GPU-aaaa", "hw.type": "gpu", "hw.name": "H200"}


def test_a_whole_host_has_the_boundary_of_the_node(file: Path) -> None:
    """hw.host.energy: power that was sampled and added up by somebody, so grade C."""
    found = brought(file, request(counter("hw.host.energy", [number(0.0, 1, {}), number(500.0, 2, {})])))
    stream = found.samples[0].stream
    assert (stream.device_id, stream.component) == (f"node:{stream.host_id}", "node")
    assert (stream.boundary, stream.grade, stream.method) == (
        Boundary.NODE,
        Grade.C,
        Method.INTEGRATED_POWER,
    )


def test_what_wattmark_itself_sends_keeps_its_names(file: Path) -> None:
    """Host, devices and components are those of the run file, so that both count as one observer each."""
    sent = {
        "module": {"hw.id": "module:abc/GH200", "hw.type": "module"},
        "rest_of_node": {"hw.id": "rest_of_node:abc/model", "hw.type": "rest_of_node"},
    }
    points = [number(1.0, s, told) for told in sent.values() for s in (1, 2)]
    node = counter("hw.host.energy", [number(1.0, s, {"hw.id": "node:abc/model"}) for s in (1, 2)])
    message = request(
        counter("hw.energy", points), node, resource={"wattmark.host.id": "abc"}, scope="wattmark"
    )
    streams = [s.stream for s in brought(file, message).samples]
    assert [s.component for s in streams] == ["module", "rest_of_node", "node"]
    assert [s.device_id for s in streams] == [*(t["hw.id"] for t in sent.values()), "node:abc/model"]
    assert {s.host_id for s in streams} == {"abc"}


@pytest.mark.parametrize("count", [1e300, float("inf"), -1.0])
def test_counts_that_cannot_be_are_no_work(file: Path, count: float) -> None:
    """One sender's nonsense must not keep the others' points out of the ledger."""
    usage = histogram("gen_ai.client.token.usage", 30, count, 3, {"gen_ai.token.type": "input"})
    found = brought(file, request(usage))
    assert sum(map(len, found.samples)) == 0


@pytest.mark.parametrize(
    ("attributes", "settings", "method"),
    [
        ({}, {}, Method.HARDWARE_COUNTER),
        ({"quality": "estimated"}, {}, Method.MODELLED),
        ({"wattmark.method": "wall_meter"}, {"method": "modelled"}, Method.WALL_METER),
        ({}, {"method": "modelled"}, Method.MODELLED),
    ],
)
def test_how_a_reading_is_known(
    file: Path, attributes: dict[str, str], settings: dict[str, str], method: Method
) -> None:
    """What the sender says goes before what the importer says, and that before what the metric implies."""
    told = {**GPU_POINT, **attributes}
    message = request(counter("hw.energy", [number(1.0, 1, told), number(2.0, 2, told)]))
    assert brought(file, message, **settings).samples[0].stream.method is method


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (gauge("hw.energy", [number(1.0, 1)], "J"), "is a gauge: it must be a counter"),
        (counter("hw.energy", [number(1.0, 1)], monotonic=False), "is a sum that may fall: it must be"),
        (counter("hw.energy", [number(1.0, 1)], temporality=0), "delta or cumulative"),
        (counter("hw.power", [number(1.0, 1)], "W"), "is a sum: power is a gauge"),
        (counter("hw.energy", [number(1.0, 1)], "cal"), "has the unit 'cal': send it in J"),
        (counter("hw.energy", [number(1.0, 1, {"hw.type": "gpu"})]), "it needs hw.id"),
        (counter("hw.energy", [number(1.0, 1, {"hw.id": "x"})]), "hw.type ''"),
        (
            counter("hw.energy", [number(1.0, 1, {**GPU_POINT, "wattmark.method": "guess"})]),
            "wattmark.method is 'guess': use one of wall_meter",
        ),
        (gauge("gen_ai.client.token.usage", [number(1.0, 1)]), "is a gauge: it must be a histogram"),
        (
            histogram("gen_ai.client.token.usage", 1, 1.0, 1, {"gen_ai.token.type": "input"}, temporality=0),
            "delta or cumulative",
        ),
        (histogram("gen_ai.client.token.usage", 1, 1.0, 1, {}), "gen_ai.token.type ''"),
        (
            histogram("gen_ai.client.token.usage", 1, 1.0, 1, {"gen_ai.token.type": "input"}, unit="s"),
            "has the unit 's'",
        ),
        (counter("hw.energy", [number(1.0, 1, start=5)], temporality=1), "starts after it ends"),
        (counter("hw.energy", [number(1.0, 1, start=1)], temporality=1), "has no length"),
        (counter("hw.energy", [number(1.0, 1, start=None)], temporality=1), "delta without its start"),
        (gauge("hw.power", [number(1.0, -1_750_000_000, start=None)]), "has no time"),
    ],
)
def test_what_cannot_be_taken_is_a_bad_row(file: Path, message: object, reason: str) -> None:
    """With its reason, and nothing comes of it."""
    found = brought(file, request(message))  # type: ignore[arg-type]
    (bad,) = found.bad
    assert bad.place == f"{file}:1"
    assert reason in bad.reason
    assert found.samples == ()


def test_a_machine_without_a_name_is_refused_unless_it_is_named(file: Path) -> None:
    """Energy of nobody's machine could not be counted once."""
    message = request(counter("hw.energy", [number(1.0, 1), number(2.0, 2)]), resource={})
    assert "host.name" in brought(file, message).bad[0].reason
    (found,) = open_source("otlp", [str(file)], Asked(host="node1")).read()
    named = brought(file, request(counter("hw.energy", [number(1.0, 1), number(2.0, 2)])))
    assert found.samples[0].stream.host_id == named.samples[0].stream.host_id


def test_in_a_pod_the_node_is_the_machine(file: Path) -> None:
    """host.name is the pod's there."""
    pod = {"host.name": "pod-7f", "k8s.node.name": "node1"}
    points = [number(1.0, 1), number(2.0, 2)]
    one, two = (
        brought(file, request(counter("hw.energy", points), resource=r)).samples[0].stream.host_id
        for r in (pod, {"host.name": "NODE1"})
    )
    assert one == two


def test_devices_that_hold_or_feed_others_are_ignored(file: Path) -> None:
    """An enclosure beside its GPUs would count them twice."""
    points = [number(1.0, 1, {"hw.id": "psu0", "hw.type": "power_supply"})]
    found = brought(file, request(counter("hw.energy", points)))
    assert (found.bad, found.ignored, found.taken) == ((), 1, 0)
    assert "hw.host.energy" in found.notes[0]


def test_statements_of_ecologits_are_ignored_with_a_note(file: Path) -> None:
    """Estimates are no energy."""
    found = brought(file, request(gauge("ecologits_energy", [number(3.0, 1)], "J")))
    assert (found.samples, found.ignored) == ((), 1)
    assert "import ecologits" in found.notes[0]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"longest_gap": "x"}, "longest_gap=x"),
        ({"longest_gap": "0"}, "more than 0"),
        ({"method": "guess"}, "use one of wall_meter"),
        ({"from_start": "maybe"}, "write yes or no"),
        ({"colour": "red"}, "has no option 'colour'"),
    ],
)
def test_a_wrong_setting_is_refused(file: Path, settings: dict[str, str], reason: str) -> None:
    """Before anything is read."""
    file.write_bytes(b"")
    with pytest.raises(UsageError, match=reason):
        open_source("otlp", [str(file)], Asked(settings=settings))

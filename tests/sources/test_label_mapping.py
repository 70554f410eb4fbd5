"""Labels become tags: the workload's, never the exporter's; machines by one name."""

from __future__ import annotations

import pytest

from wattmark.core.run import Subject
from wattmark.sources.catalog import Asked
from wattmark.sources.label_mapping import (
    LabelMapping,
    as_label,
    host_name,
    read_mapping,
    without_replica,
    workload_labels,
)


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        ({"instance": "gpu-1:9400"}, "gpu-1"),
        ({"instance": "gpu-1"}, "gpu-1"),
        ({"instance": "10.0.0.5:9100"}, "10.0.0.5"),
        ({"instance": "[2001:db8::1]:9100"}, "2001:db8::1"),
        ({"instance": "2001:db8::1"}, "2001:db8::1"),
        ({"instance": "https://bmc-1:443/redfish"}, "bmc-1"),
        ({"instance": "10.0.0.5:9400", "Hostname": "gpu-1"}, "gpu-1"),
        ({"Hostname": "pod-x", "node": "gpu-1"}, "gpu-1"),
        ({"node_name": "", "hostname": "gpu-1"}, "gpu-1"),
        ({"Hostname": "dcgm-x", "pod": "dcgm-x", "instance": "10.0.0.5:9400"}, "10.0.0.5"),
        ({}, ""),
    ],
)
def test_a_machine_is_named_without_its_port(labels: dict[str, str], name: str) -> None:
    """The plainest label goes first."""
    assert host_name(labels) == name


@pytest.mark.parametrize(
    ("style", "labels", "found"),
    [
        (
            "kepler",
            {"pod_name": "p", "pod_namespace": "ml", "namespace": "kepler", "pod": "kepler-x"},
            {"pod": "p", "namespace": "ml", "pod_name": "p", "pod_namespace": "ml"},
        ),
        (
            "exporter",
            {"exported_pod": "p", "exported_namespace": "ml", "pod": "dcgm-x", "namespace": "gpu"},
            {"pod": "p", "namespace": "ml", "exported_pod": "p", "exported_namespace": "ml"},
        ),
        ("exporter", {"pod": "p", "namespace": "ml"}, {"pod": "p", "namespace": "ml"}),
        ("exporter", {"pod": "nvidia-dcgm-exporter-x", "namespace": "gpu"}, {}),
        ("exporter", {"namespace": "gpu"}, {}),
        ("target", {"pod": "vllm-0", "namespace": "ml"}, {"pod": "vllm-0", "namespace": "ml"}),
        ("", {"pod": "node-exporter-x", "namespace": "monitoring", "team": "a"}, {"team": "a"}),
    ],
)
def test_the_workload_is_not_the_exporter(style: str, labels: dict[str, str], found: dict[str, str]) -> None:
    """Each exporter says it in other labels."""
    assert workload_labels(labels, style) == found


def test_what_labels_say_goes_before_what_was_asked() -> None:
    """Values are translated, by their text or by a pattern."""
    mapping = LabelMapping(values={"team": {"ns-*": "search"}, "stage": {"prod": "inference"}})
    asked = Asked(subject=Subject(team="nobody", project="p", labels={"app": "asked", "queue": "q"}))
    subject = mapping.subject({"team": "ns-1", "stage": "prod", "app_kubernetes_io_name": "llm"}, asked)
    assert (subject.team, subject.project, subject.stage) == ("search", "p", "inference")
    assert subject.labels == {"app": "llm", "queue": "q"}


def test_members_of_a_pair_have_the_same_labels() -> None:
    """Apart from the replica."""
    assert without_replica({"a": "1", "prometheus_replica": "0", "replica": "b"}) == {"a": "1"}


def test_kubernetes_labels_are_written_as_prometheus_has_them() -> None:
    """Dots and slashes become underscores."""
    assert as_label("label app.kubernetes.io/name") == "label_app_kubernetes_io_name"


def test_without_a_file_the_defaults_hold() -> None:
    """And nothing is read."""
    assert read_mapping(None) == LabelMapping()

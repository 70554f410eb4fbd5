"""From labels of series to the unified tags: namespace, pod and job to team, model and stage.

A mapping file says more than the defaults know::

    [tags]                       # tag <- the first of these labels that is there
    team = ["label_team", "namespace"]
    model = ["label_app_kubernetes_io_name"]

    [values.team]                # what the label says <- what is meant; * stands for anything
    "ns-search-*" = "search"

    [labels]                     # free labels of our own, in the same way
    cluster = ["cluster"]

    [hosts]                      # another name of a machine (its BMC, its address) <- its name
    "10.0.0.5" = "gpu-1"

``namespace``, ``pod`` and ``container`` are the workload's here, never the exporter's own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from wattmark.core.errors import ConfigError
from wattmark.core.run import Subject
from wattmark.core.tags import TAGS
from wattmark.sources.catalog import Asked
from wattmark.sources.stated import subject_of

Labels = Mapping[str, str]

DEFAULT_TAGS: Mapping[str, tuple[str, ...]] = {
    "organisation": ("organisation", "label_organisation"),
    "team": ("team", "label_team"),
    "project": ("project", "project_name", "label_project", "label_app_kubernetes_io_part_of"),
    "model": ("model_name", "gen_ai_request_model", "label_model", "label_ai_model"),
    "model_version": ("model_version", "label_model_version"),
    "stage": ("stage", "label_stage", "label_ai_stage"),
    "task": ("task", "label_task"),
    "workload_class": ("workload_class", "label_workload_class"),
    "environment": ("environment", "env", "label_environment"),
    "region": ("cloud_region", "topology_kubernetes_io_region", "region"),
    "cost_centre": ("cost_centre", "cost_center", "label_cost_centre", "label_cost_center"),
}
DEFAULT_LABELS: Mapping[str, tuple[str, ...]] = {
    "app": ("label_app_kubernetes_io_name", "app_kubernetes_io_name", "label_app"),
    "cluster": ("cluster", "k8s_cluster_name"),
    "container": ("container",),
    "namespace": ("namespace",),
    "pod": ("pod",),
    "slurm_job": ("hpc_job", "slurm_job_id", "job_id"),
}
HOST_LABELS = (
    "node_name",
    "node",
    "nodename",
    "kubernetes_node",
    "kubernetes_node_name",
    "k8s_node_name",
    "Hostname",
    "hostname",
    "host_name",
    "host",
    "exported_instance",
    "instance",
)
"""Where the name of the machine stands: the plainest first, the scraped address last."""
REPLICA_LABELS = ("prometheus_replica", "replica", "__replica__", "rule_replica", "monitor_replica")
"""Tell the members of a highly available pair apart; without them their series are one."""

_WORKLOADS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    # style -> what it is for us -> labels in which it may stand
    "kepler": {
        "namespace": ("pod_namespace", "container_namespace"),
        "pod": ("pod_name",),
        "container": ("container_name", "comm", "vm_name"),
    },
    "scaphandre": {
        "namespace": ("kubernetes_pod_namespace",),
        "pod": ("kubernetes_pod_name",),
        "container": ("container_names", "exe"),
    },
    "exporter": {
        "namespace": ("exported_namespace", "pod_namespace", "namespace"),
        "pod": ("exported_pod", "pod_name", "pod"),
        "container": ("exported_container", "container"),
    },
    "target": {"namespace": ("namespace",), "pod": ("pod",), "container": ("container",)},
}
_OWN = ("exporter", "kepler", "scaphandre", "prometheus", "node-exporter")
"""Words in the name of a pod that is the exporter's own: its namespace says nothing of the workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMapping:
    """Which label says which tag."""

    tags: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT_TAGS)
    labels: Mapping[str, Sequence[str]] = field(default_factory=lambda: DEFAULT_LABELS)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)

    def subject(self, labels: Labels, asked: Asked) -> Subject:
        """The tags that a workload's labels state, then what was asked for."""
        stated: dict[str, Any] = {}
        for tag, names in self.tags.items():
            said = next((labels[n] for n in names if labels.get(n)), None)
            if said is not None:
                stated[tag] = self._meant(tag, said)
        free = {}
        for key, names in self.labels.items():
            said = next((labels[n] for n in names if labels.get(n)), None)
            if said is not None:
                free[key] = self._meant(key, said)
        return subject_of(asked, labels=free, **stated)

    def host(self, name: str) -> str:
        """The machine's own name."""
        return self.hosts.get(name, name)

    def _meant(self, tag: str, said: str) -> str:
        meant = self.values.get(tag, {})
        if said in meant:
            return meant[said]
        return next((to for pattern, to in meant.items() if fnmatchcase(said, pattern)), said)


def workload_labels(labels: Labels, style: str) -> dict[str, str]:
    """The labels with ``namespace``, ``pod`` and ``container`` of the workload, and of nothing else."""
    found = {k: v for k, v in labels.items() if k not in ("namespace", "pod", "container")}
    places = _WORKLOADS.get(style, {})
    said = {what: next((labels[n] for n in names if labels.get(n)), "") for what, names in places.items()}
    if style == "exporter" and "exported_pod" not in labels and "pod_name" not in labels:
        own = any(word in said["pod"] or word in said["container"] for word in _OWN)
        if own or not said["pod"]:
            said = {}
    return {**found, **{what: text for what, text in said.items() if text}}


def host_name(labels: Labels) -> str:
    """The machine as the labels name it, without port and scheme; empty when they do not.

    In a container an exporter takes its pod's name for that of the machine: it is passed over.
    """
    name = next((labels[n] for n in HOST_LABELS if labels.get(n) not in (None, "", labels.get("pod"))), "")
    name = name.rpartition("//")[2].partition("/")[0]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if name.count(":") == 1 else name


def without_replica(labels: Labels) -> dict[str, str]:
    """The labels of a series as all members of a highly available pair have them."""
    return {k: v for k, v in labels.items() if k not in REPLICA_LABELS}


def read_mapping(path: str | None) -> LabelMapping:
    """The defaults, and before them what a mapping file says.

    Raises ConfigError for a file that cannot be read and for keys and tags that do not exist.
    """
    if path is None:
        return LabelMapping()
    try:
        said = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, "", f"is not TOML: {error}") from None
    for key in said:
        if key not in ("tags", "labels", "values", "hosts"):
            raise ConfigError(path, key, "is unknown: [tags], [labels], [values.TAG] and [hosts] are read")
    tags = {tag: _names(path, f"tags.{tag}", names) for tag, names in _table(path, said, "tags").items()}
    for tag in tags:
        if tag not in TAGS:
            raise ConfigError(path, f"tags.{tag}", f"is no tag: {', '.join(TAGS)}; others go under [labels]")
    free = {key: _names(path, f"labels.{key}", n) for key, n in _table(path, said, "labels").items()}
    values = {
        tag: _texts(path, f"values.{tag}", meant) for tag, meant in _table(path, said, "values").items()
    }
    return LabelMapping(
        tags={**DEFAULT_TAGS, **tags},
        labels={**DEFAULT_LABELS, **free},
        values=values,
        hosts=_texts(path, "hosts", said.get("hosts", {})),
    )


def _table(path: str, said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = said.get(key, {})
    if not isinstance(found, dict):
        raise ConfigError(path, key, f"is no table: write [{key}]")
    return found


def _names(path: str, place: str, said: object) -> tuple[str, ...]:
    names = [said] if isinstance(said, str) else said
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ConfigError(path, place, 'is no list of labels: write ["label_team", "namespace"]')
    # Prometheus replaces what it does not allow in label names: app.kubernetes.io/name is written as well.
    return tuple(as_label(n) for n in names)


def as_label(name: str) -> str:
    """A label as Prometheus writes it; ``label app.kubernetes.io/name`` is kube-state-metrics' prefix."""
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name.strip())


def _texts(path: str, place: str, said: object) -> dict[str, str]:
    if not isinstance(said, dict) or not all(isinstance(v, str) for v in said.values()):
        raise ConfigError(path, place, 'is no table of texts: write "what is said" = "what is meant"')
    return dict(said)

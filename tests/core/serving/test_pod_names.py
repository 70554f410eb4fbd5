"""Names of pods and containers from what a kubelet leaves and says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattmark.core.serving.cgroup_path import NO_NAMES, Names, PodName
from wattmark.core.serving.pod_names import cores_of, merged, names_of_logs, names_of_pods

ID = "0123456789abcdef" * 4
OTHER = "f" * 64
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"
POD = {
    "metadata": {"name": "llama-0", "namespace": "serving", "uid": UID},
    "spec": {
        "containers": [
            {"name": "engine", "resources": {"requests": {"cpu": "1500m"}}, "env": [{"value": "secret"}]},
            {"name": "sidecar"},
        ]
    },
    "status": {
        "containerStatuses": [
            {"name": "engine", "containerID": f"containerd://{ID}"},
            {"name": "sidecar", "containerID": f"containerd://{OTHER}"},
        ]
    },
}


def test_folders_of_logs_name_pods_and_links_name_containers() -> None:
    """A container's name may hold a dash; folders of another form are not pods."""
    names = names_of_logs(
        [f"serving_llama-0_{UID}", "lost+found", "a_b"],
        [f"llama-0_serving_the-engine-{ID}.log", "llama-0_serving_x-12.log"],
    )
    assert names == Names({UID: PodName("serving", "llama-0")}, {ID: "the-engine"}, {})


def test_a_pod_list_gives_names_ids_and_requests_and_nothing_else() -> None:
    """1500m are one and a half cores, a sidecar asks for none; what a container is told stays there."""
    names = names_of_pods({"items": [POD]})
    assert names == Names({UID: PodName("serving", "llama-0")}, {ID: "engine", OTHER: "sidecar"}, {ID: 1.5})
    assert "secret" not in repr(names)


def test_a_static_pod_is_known_by_its_hash_too() -> None:
    """Its groups go under the hash of its file, not under the API's uid."""
    pod = {
        "metadata": {
            "name": "apiserver",
            "namespace": "kube-system",
            "uid": UID,
            "annotations": {"kubernetes.io/config.hash": "d0d1"},
        }
    }
    assert set(names_of_pods({"items": [pod]}).pods) == {UID, "d0d1"}


@pytest.mark.parametrize(
    ("quantity", "cores"),
    [("500m", 0.5), ("2", 2.0), (2, 2.0), ("0.5", 0.5), ("100000000n", 0.1), ("1k", 1000.0), ("1Gi", None)],
)
def test_cores_are_read_as_kubernetes_writes_them(quantity: object, cores: float | None) -> None:
    """A quantity of memory is no number of cores."""
    assert cores_of(quantity) == (None if cores is None else pytest.approx(cores))


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {"items": None},
        {"items": [3, {}]},
        {"items": [{"metadata": {"name": 1, "namespace": "x"}}]},
        {
            "items": [
                {
                    "metadata": {"name": "a", "namespace": "b", "uid": ""},
                    "spec": [],
                    "status": {"containerStatuses": [{}]},
                }
            ]
        },
    ],
)
def test_what_is_no_pod_list_names_nothing(document: object) -> None:
    """An answer of another form is passed over, and the ids are shown."""
    assert names_of_pods(document) == NO_NAMES


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["items", "metadata", "status", "name", "uid", "spec"]), inner)
        ),
    )
)
def test_no_answer_breaks_it(document: object) -> None:
    """Whatever JSON comes, names are given or not."""
    assert isinstance(names_of_pods(document), Names)


def test_of_two_sources_the_second_wins() -> None:
    """The kubelet knows better than its log folders."""
    first = Names({"u": PodName("a", "old")}, {"x": "one"}, {})
    second = Names({"u": PodName("a", "new")}, {}, {"x": 1.0})
    assert merged(first, second) == Names({"u": PodName("a", "new")}, {"x": "one"}, {"x": 1.0})

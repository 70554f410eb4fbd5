"""Names of pods and containers from what a kubelet leaves."""

from __future__ import annotations

from wattmark.core.serving.cgroup_path import Names, PodName
from wattmark.core.serving.pod_names import names_of_logs

ID = "0123456789abcdef" * 4
UID = "ea8b9161-bee3-4bf6-a4e3-65fe256e3771"


def test_folders_of_logs_name_pods_and_links_name_containers() -> None:
    """A container's name may hold a dash; folders of another form are not pods."""
    names = names_of_logs(
        [f"serving_llama-0_{UID}", "lost+found", "a_b"],
        [f"llama-0_serving_the-engine-{ID}.log", "llama-0_serving_x-12.log"],
    )
    assert names == Names({UID: PodName("serving", "llama-0")}, {ID: "the-engine"})

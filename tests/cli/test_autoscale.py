"""``wattmark autoscale``."""

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.agent.live_server import a_document, answering
from tests.fakes.processes import started
from wattmark.cli.autoscale import group
from wattmark.reports.manifests import manifests_of


def test_metrics_now() -> None:
    """What an autoscaler would be told, and why some is missing."""
    with answering((200, a_document())) as url:
        result = CliRunner().invoke(group, ["metrics", "--agent", url, "--model", "chat"])
        as_json = CliRunner().invoke(group, ["metrics", "--agent", url, "--json"])
    assert result.exit_code == 0, result.output
    row = next(line for line in result.output.splitlines() if line.startswith("wattmark-joules-per-output"))
    assert "12.5 J/token" in row
    assert "missing: requests in engines" in result.output
    told = json.loads(as_json.output)
    assert told["schema"] == "wattmark.autoscale-metrics"
    values = {m["metric"]: m["value"] for m in told["metrics"]}
    assert values["wattmark-utilisation"] == 0.5
    assert values["wattmark-requests-in-engines"] is None


def test_metrics_without_an_agent_are_a_list() -> None:
    """Names and kinds of target, without values."""
    result = CliRunner().invoke(group, ["metrics"])
    assert "wattmark-busy-devices" in result.output
    assert "No agent was asked" in result.output


def test_metrics_none_of_which_is_known_end_with_three() -> None:
    """A wrong address is no success."""
    result = CliRunner().invoke(group, ["metrics", "--agent", "http://127.0.0.1:9"])
    assert result.exit_code == 3
    assert "does not answer" in result.output
    assert CliRunner().invoke(group, ["metrics", "--agent", "http://127.0.0.1:9", "--json"]).exit_code == 3


def an_hour(utilisation_of: float) -> str:
    told = json.loads(a_document())
    told["seconds"] = 3600.0
    told["devices"][0]["utilisation"] = utilisation_of
    return json.dumps(told)


def test_a_plan_and_its_steps() -> None:
    """Two nodes, 10 % and 20 % busy: one can go. The steps are dry runs."""
    with answering((200, an_hour(0.1))) as a, answering((200, an_hour(0.2))) as b:
        agents = ["--agent", a, "--agent", b.replace("127.0.0.1", "localhost")]
        text = CliRunner().invoke(group, ["plan", *agents])
        steps = {
            how: CliRunner().invoke(group, ["plan", *agents, "--steps", how]).output
            for how in ("kubectl", "karpenter", "cluster-autoscaler")
        }
        as_json = json.loads(CliRunner().invoke(group, ["plan", *agents, "--json"]).output)
    assert text.exit_code == 0, text.output
    assert "1 of 2 nodes can go; utilisation goes from 15 % to 30 %." in text.output
    assert [(n["name"], n["drain"]) for n in as_json["nodes"]] == [("127.0.0.1", True), ("localhost", False)]
    assert "kubectl drain 127.0.0.1" in steps["kubectl"]
    assert "karpenter.sh/do-not-disrupt=true" in steps["karpenter"]
    assert "scale-down-disabled=true" in steps["cluster-autoscaler"]
    commands = [s for said in steps.values() for s in said.splitlines() if not s.startswith("#")]
    assert commands
    assert all(c.endswith("--dry-run=server") for c in commands)


def test_too_little_evidence_ends_with_three() -> None:
    """A minute is no hour; an agent that does not answer is no idle node."""
    with answering((200, a_document())) as a:
        result = CliRunner().invoke(group, ["plan", "--agent", a])
    assert result.exit_code == 3
    assert "not enough evidence" in result.output
    gone = CliRunner().invoke(group, ["plan", "--agent", a])
    assert gone.exit_code == 3
    assert "neither drained nor counted on" in gone.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--agent", "http://a:1"], "say whom to answer"),
        (["serve", "--http", "127.0.0.1:0"], "say where the agents are"),
        (["serve", "--agent", "http://a:1", "--http", "x"], "write HOST:PORT"),
        (["serve", "--agent", "http://a:1", "--http", "127.0.0.1:0", "--cert", "x"], "go together"),
        (["metrics", "--agent", "a:1"], "write http://HOST:9465"),
        (["manifests", "--namespace", "Bad_Name"], "--namespace"),
        (["manifests", "--image", "a b"], "--image"),
    ],
)
def test_what_cannot_be_meant(arguments: list[str], said: str) -> None:
    """Each is told in words that say what to write."""
    result = CliRunner().invoke(group, arguments)
    assert result.exception is not None
    assert said in str(result.exception)


def test_manifests_are_what_kubernetes_takes(tmp_path: Path) -> None:
    """Every object of Kubernetes's own kinds fits its published schema."""
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate holds the schemas")
    yaml = pytest.importorskip("yaml")
    result = CliRunner().invoke(group, ["manifests", "--out", str(tmp_path), "--namespace", "energy"])
    assert result.exit_code == 0, result.output
    kinds = []
    for path in sorted(tmp_path.iterdir()):
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            kinds.append(document["kind"])
            if document["kind"] != "ScaledObject":  # KEDA's own, of which the package knows no schema
                validate.validate(document, "1.30", strict=True)
    assert kinds == [
        "Namespace", "ConfigMap", "DaemonSet", "Service",
        "Deployment", "Service", "APIService", "HorizontalPodAutoscaler", "ScaledObject",
    ]  # fmt: skip


def test_manifests_name_commands_and_metrics_that_there_are() -> None:
    """The HPA's and KEDA's metric exists, and so do the verbs that the containers start."""
    from wattmark.cli.main import VERBS
    from wattmark.core.serving.scaling import METRICS

    text = "".join(text for _, text in manifests_of(image="wattmark:1", namespace="energy"))
    assert "$" not in text
    assert set(re.findall(r"wattmark-(?:busy|util)[a-z-]+", text)) <= set(METRICS)
    assert {"agent", "autoscale"} <= set(VERBS)


@pytest.mark.slow
def test_the_server_answers_until_it_is_told_to_end() -> None:
    """A real process: HPA's question over HTTP, SIGTERM, exit code 0."""
    with answering((200, a_document())) as url:
        arguments = ["-m", "wattmark", "autoscale", "serve", "--agent", url]
        command = [sys.executable, *arguments, "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
        environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with started(command, stderr=subprocess.PIPE, env=environ) as process:
            assert process.stderr is not None
            first = process.stderr.readline()
            assert "KEDA at 127.0.0.1:" in process.stderr.readline()
            port = int(first.partition("127.0.0.1:")[2].partition("/")[0])
            connection = HTTPConnection("127.0.0.1", port, timeout=250)
            metric = "/apis/external.metrics.k8s.io/v1beta1/namespaces/x/wattmark-utilisation"
            status, told = 0, {}
            while status != 200:
                connection.request("GET", metric)
                answer = connection.getresponse()
                status, told = answer.status, json.loads(answer.read())
            assert told["items"][0]["value"] == "500000u"
            connection.close()
            process.send_signal(signal.SIGTERM)
            assert process.wait(250) == 0

"""``wattmark monitor``: files, tables, and exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.cli.running import verb
from wattmark.cli.main import cli
from wattmark.cli.monitor import group
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.monitoring.dashboards.catalog import boards, shipped


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def monitor(*words: str) -> Result:
    return CliRunner().invoke(cli, ["monitor", *words])


def test_rules_are_printed_or_written_with_their_tests(folder: Path) -> None:
    """The same file either way."""
    printed = monitor("rules")
    assert printed.exit_code == 0
    assert monitor("rules", "--out", "made").exit_code == 0
    assert (folder / "made" / "wattmark.rules.yml").read_text() == printed.output
    tests = yaml.safe_load((folder / "made" / "wattmark.rules.test.yml").read_text())
    assert tests["rule_files"] == ["wattmark.rules.yml"]


def test_thresholds_come_from_the_project_and_budgets_from_the_command_line_too(folder: Path) -> None:
    """Both at once."""
    (folder / "wattmark.toml").write_text('[monitor]\nhold = "10m"\nbudgets = ["a=1000"]\n')
    made = yaml.safe_load(monitor("rules", "--budget", "b=2000").output)
    rules = [rule for group in made["groups"] for rule in group["rules"]]
    regressed = next(r for r in rules if r.get("alert") == "WattmarkEnergyPerTokenRegressed")
    assert regressed["for"] == "10m"
    budgets = {r["labels"]["model"]: r["expr"] for r in rules if r.get("record", "").endswith("grams:stated")}
    assert budgets == {"a": "vector(1000)", "b": "vector(2000)"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[monitor]\nhold = 'soon'\n", "[monitor] hold: must be a time"),
        ("[monitor]\nx = 1\n", "[monitor] x: unknown"),
    ],
)
def test_a_setting_that_is_wrong_is_named(folder: Path, text: str, says: str) -> None:
    """With the file."""
    (folder / "wattmark.toml").write_text(text)
    error = monitor("rules").exception
    assert isinstance(error, WattmarkError)
    assert f"wattmark.toml: {says}" in str(error)


def test_a_budget_that_is_wrong_is_named(folder: Path) -> None:
    """The option, not a file."""
    error = monitor("rules", "--budget", "a").exception
    assert isinstance(error, WattmarkError)
    assert str(error) == "--budget: 'a': must be MODEL=GRAMS with grams above 0"


def test_rules_as_json_hold_the_groups_and_the_file(folder: Path) -> None:
    """What the file holds and what is told are the same."""
    told = json.loads(monitor("rules", "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.monitor-rules", 1)
    assert yaml.safe_load(told["file"]) == {"groups": told["groups"]}


def test_dashboards_are_listed_and_written(folder: Path) -> None:
    """All of them, as they come with the package."""
    assert "wattmark-models.json" in monitor("dashboards").output
    told = json.loads(monitor("dashboards", "--json", "--out", "boards").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.monitor-dashboards", 1)
    assert [d["file"] for d in told["dashboards"]] == list(boards())
    assert all((folder / "boards" / name).read_text() == shipped(name) for name in boards())


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    """Nothing is written over it."""
    (folder / "made").write_text("mine")
    assert monitor("dashboards", "--out", "made").exit_code == 2
    assert (folder / "made").read_text() == "mine"


def test_configurations_are_those_that_the_tools_accept(folder: Path) -> None:
    """promtool and amtool have no complaint; targets and receivers are those that were given."""
    assert monitor("config", "--out", "m", "--target", "n1:9465", "--webhook", "http://h/x").exit_code == 0
    made = yaml.safe_load((folder / "m" / "prometheus.yml").read_text())
    assert made["scrape_configs"][0]["static_configs"][0]["targets"] == ["n1:9465"]
    receivers = yaml.safe_load((folder / "m" / "alertmanager.yml").read_text())["receivers"]
    assert {r["webhook_configs"][0]["url"] for r in receivers} == {"http://h/x"}
    for tool, *words in (
        ("promtool", "check", "config", "prometheus.yml"),
        ("amtool", "check-config", "alertmanager.yml"),
    ):
        if shutil.which(tool) is not None:
            done = subprocess.run(
                [tool, *words], cwd=folder / "m", capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr


def test_routes_to_slack_and_mail_are_those_that_amtool_accepts(folder: Path) -> None:
    """Secrets are named by their files; gates' errors are paged like pages of the rules."""
    secrets = folder / "slack"
    secrets.write_text("https://hooks.slack.com/services/x")
    (folder / "password").write_text("x")
    words = ("--mail", "a@example.org", "--mail", "b@example.org", "--smtp", "mail.example.org:587")
    account = (
        "--smtp-from",
        "w@example.org",
        "--smtp-user",
        "w",
        "--smtp-password-file",
        str(folder / "password"),
    )
    done = monitor(
        "alertmanager", "--slack-file", str(secrets), *words, *account, "--out", "am/alertmanager.yml"
    )
    assert done.exit_code == 0
    made = yaml.safe_load((folder / "am" / "alertmanager.yml").read_text())
    assert made["route"]["routes"][0]["matchers"] == ['severity=~"page|error"']
    for receiver in made["receivers"]:
        assert receiver["slack_configs"][0]["api_url_file"] == str(secrets)
        assert receiver["email_configs"][0]["to"] == "a@example.org, b@example.org"
    if shutil.which("amtool") is not None:
        checked = subprocess.run(
            ["amtool", "check-config", "am/alertmanager.yml"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_routes_to_teams_and_a_webhook(folder: Path) -> None:
    """The file of the workflow's address, and the address of the webhook."""
    made = yaml.safe_load(
        monitor("alertmanager", "--teams-file", "/etc/teams", "--webhook", "https://h/x").stdout
    )
    assert made["receivers"][0]["msteamsv2_configs"][0]["webhook_url_file"] == "/etc/teams"
    assert made["receivers"][1]["webhook_configs"][0]["url"] == "https://h/x"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nobody is named"),
        (("--mail", "a@b"), "--mail needs --smtp"),
        (("--webhook", "h/x"), "begins with http://"),
        (("--slack-file", "x", "--smtp-user", "w"), "go together"),
    ],
)
def test_routes_that_cannot_be_meant_are_told(folder: Path, words: tuple[str, ...], says: str) -> None:
    """With what to give."""
    result = monitor("alertmanager", *words)
    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--target", "node-1"), "--target node-1: give HOST:PORT"),
        (("--target", "http://node-1:9465"), "--target http://node-1:9465: give HOST:PORT"),
        (("--target", "node-1:port"), "--target node-1:port: give HOST:PORT"),
        (("--target", "node-1:99999"), "--target node-1:99999: give HOST:PORT"),
        (("--alertmanager", "127.0.0.1"), "--alertmanager 127.0.0.1: give HOST:PORT"),
        (("--webhook", "chat.example/hook"), "--webhook chat.example/hook: give an address"),
    ],
)
def test_an_address_that_prometheus_would_not_scrape_is_refused(
    folder: Path, words: tuple[str, ...], says: str
) -> None:
    """Prometheus would take port 80 for none, or not start."""
    result = monitor("config", "--out", "made", *words)
    assert isinstance(result.exception, UsageError)
    assert says in str(result.exception)
    assert not (folder / "made").exists()


def test_an_address_of_ipv6_is_taken(folder: Path) -> None:
    """In brackets."""
    assert monitor("config", "--out", "made", "--target", "[::1]:9465").exit_code == 0


def test_a_check_tells_how_each_thing_stands(folder: Path) -> None:
    """Without a Prometheus only the files are looked at."""
    told = json.loads(monitor("check", "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.monitor-check", 1)
    assert [f["what"] for f in told["findings"]] == ["rules"]
    assert told["state"] == ("good" if shutil.which("promtool") else "unknown")


def test_a_check_of_nobody_is_an_error_and_not_a_pass(folder: Path) -> None:
    """Exit code 2, with the address."""
    error = monitor("check", "--prometheus", "http://127.0.0.1:9").exception
    assert isinstance(error, WattmarkError)
    assert error.exit_code == 2
    assert "http://127.0.0.1:9/api/v1/" in str(error)


def test_budgets_of_a_policy_are_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that fit become alerts, those that do not are told; what is given goes before them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    text = (
        '[[budget]]\nid = "m"\nlimit = 3\nunit = "kgCO2e"\nperiod = "month"\nscope = { model = "sorter" }\n'
    )
    other = '[[budget]]\nid = "e"\nlimit = 3\nunit = "kWh"\nperiod = "month"\n'
    (tmp_path / "p.toml").write_text(text + other, encoding="utf-8")
    done = verb(group, "rules", "--policy", "p.toml")
    assert "vector(3000)" in done.stdout
    assert "budget e is not watched by Prometheus: it is of energy" in done.stderr
    assert "vector(50)" in verb(group, "rules", "--policy", "p.toml", "--budget", "sorter=50").stdout

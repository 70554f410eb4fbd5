"""``wattmark bench verify``, ``show`` and ``sign``: what a person types, reads and gets as an exit code."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.bench.bundle.samples import evidence
from tests.bench.bundle.test_verify import relisted
from tests.cli.running import verb
from tests.reports.browser import browser, needs_chromium
from wattmark.bench.bundle.layout import LOOKS, RESULT
from wattmark.bench.bundle.write import write_bundle
from wattmark.cli.bench_show import command as show
from wattmark.cli.bench_sign import command as sign
from wattmark.cli.bench_verify import command as verify
from wattmark.core.errors import EvidenceError, UsageError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A genuine one."""
    write_bundle(evidence(), tmp_path / "a.wattmark")
    return tmp_path / "a.wattmark"


def edited(bundle: Path) -> Path:
    """Its result with half the energy."""
    document = json.loads((bundle / RESULT).read_text())
    document["energy"]["value"] /= 2
    (bundle / RESULT).write_text(json.dumps(document, sort_keys=True, indent=1) + "\n")
    return bundle


def test_a_genuine_bundle_ends_with_0(bundle: Path) -> None:
    """And says what that does not show."""
    done = verb(verify, bundle)
    assert done.return_value in (0, None)
    assert done.stdout.startswith("genuine: ")
    assert "Whoever makes up readings can make a bundle" in done.stdout
    assert "signature        it is not signed" in done.stdout


def test_an_edited_bundle_ends_with_1(bundle: Path) -> None:
    """With file, field, stored and recomputed."""
    done = verb(verify, edited(bundle))
    assert done.return_value == 1
    assert "result.json: has" in done.stdout or "was changed" in done.stdout
    assert "- result.json: $.energy.value: is not what follows from the evidence" in done.stdout
    assert "    stored      150.0\n    recomputed  300.0" in done.stdout


def test_findings_as_json(bundle: Path) -> None:
    """Schema wattmark.bench-verify, version 1."""
    done = verb(verify, edited(bundle), "--json")
    document = json.loads(done.stdout)
    assert (document["schema"], document["schema_version"]) == ("wattmark.bench-verify", 1)
    assert set(document) == {
        *("schema", "schema_version", "verdict", "evidence_id", "manifest_sha256", "protocol"),
        *("wattmark", "signature", "found"),
    }
    assert document["verdict"] == "differs"
    assert {f["field"] for f in document["found"]} == {"", "$.energy.value"}
    assert set(document["found"][0]) == {
        *("file", "field", "text", "stored", "recomputed", "by_version"),
    }


def test_many_differences_are_cut_short(bundle: Path) -> None:
    """The first twenty; the JSON has them all."""
    document = json.loads((bundle / RESULT).read_text())
    document |= {f"field{n}": n for n in range(30)}
    (bundle / RESULT).write_text(json.dumps(document, sort_keys=True, indent=1) + "\n")
    relisted(bundle)
    assert "and 10 more (--json has them)" in verb(verify, bundle).stdout


def test_another_version_ends_with_3(bundle: Path) -> None:
    """Neither genuine nor an edit: this version cannot tell."""
    edited(bundle)
    relisted(bundle, wattmark="0.0.9")
    done = verb(verify, bundle)
    assert (done.return_value, done.stdout.startswith("cannot be told")) == (3, True)


def test_what_is_no_bundle_ends_with_2(tmp_path: Path) -> None:
    """As an error that names the place."""
    with pytest.raises(EvidenceError, match="is no bundle") as caught:
        verb(verify, tmp_path)
    assert caught.value.exit_code == 2


def test_many_bundles_are_checked_each(bundle: Path, tmp_path: Path) -> None:
    """As `*.wattmark` names them: one edit ends with 1, what is no bundle with 2; JSON is of one."""
    other = tmp_path / "other.wattmark"
    shutil.copytree(bundle, other)
    both = verb(verify, bundle, other)
    assert (both.return_value, both.stdout.count("genuine: ")) == (0, 2)
    assert str(bundle) in both.stdout
    (tmp_path / "empty").mkdir()
    missing = verb(verify, tmp_path / "empty", bundle)
    assert missing.return_value == 2
    assert "is no bundle" in missing.stdout
    assert "genuine: " in missing.stdout
    edited(other)
    assert verb(verify, tmp_path / "empty", other, bundle).return_value == 1
    with pytest.raises(UsageError, match="--json is of one bundle, here are 2"):
        verb(verify, bundle, other, "--json")


def test_a_folder_of_bundles_is_no_bundle_and_names_one(bundle: Path, tmp_path: Path) -> None:
    """Whoever gives the folder that --out named is told what to name."""
    shutil.copytree(bundle, tmp_path / "tries" / "one.wattmark")
    with pytest.raises(EvidenceError, match=r"it is a folder of 1: name them, e.g. .*tries/one.wattmark"):
        verb(verify, tmp_path / "tries")


def test_show_tells_the_result_and_draws_its_power(bundle: Path) -> None:
    """Figures, validity with reasons, the phases below their power."""
    text = verb(show, bundle).stdout
    for part in (
        "text_classification · example/tiny · quick · SIMULATED",
        "energy           300 J/query",
        "GPUs alone       100 J/query",
        "quality          accuracy 0.500 over 2 queries",
        "validity         invalid",
        "quick: profile quick is for tries",
        "  gpu           ████████████  up to 100 W",
        "                aabbccddeeff",
        "c  measure 1    2.00 s  rated",
        "repeat  per query, simulated  queries",
        "1       300 J                 2        2.00 s",
    ):
        assert part in text, part


def test_show_as_json(bundle: Path) -> None:
    """Schema wattmark.bench-show, version 1: pins, phases, the result."""
    document = json.loads(verb(show, bundle, "--json").stdout)
    assert (document["schema"], document["schema_version"]) == ("wattmark.bench-show", 1)
    assert set(document) == {
        *("schema", "schema_version", "evidence_id", "manifest_sha256", "protocol", "wattmark"),
        *("signature", "pinned", "phases", "result"),
    }
    assert document["phases"][2] == {"name": "measure 1", "start_seconds": 4.0, "end_seconds": 6.0}
    assert document["result"]["energy"]["value"] == 300.0


def test_show_raw_prints_every_file(bundle: Path) -> None:
    """As they are kept."""
    text = verb(show, bundle, "--raw").stdout
    assert (bundle / LOOKS).read_text() in text
    assert text.count("=== ") == 8


def test_a_bundle_as_one_file(bundle: Path, tmp_path: Path) -> None:
    """The same files, zipped: genuine, and the same bytes each time."""
    verb(show, bundle, "--zip", tmp_path / "one.zip")
    verb(show, tmp_path / "one.zip", "--zip", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert verb(verify, tmp_path / "one.zip").return_value in (0, None)
    with pytest.raises(UsageError, match=r"ends with \.zip"):
        verb(show, bundle, "--zip", tmp_path / "one.tar")


def test_a_changed_bundle_is_not_shown(bundle: Path) -> None:
    """Figures that do not follow are nobody's."""
    with pytest.raises(EvidenceError, match=r"is not genuine: result\.json"):
        verb(show, edited(bundle))
    with pytest.raises(EvidenceError, match="is not as its manifest lists it"):
        verb(show, bundle, "--raw")


def test_a_page_that_cannot_be_written(bundle: Path, tmp_path: Path) -> None:
    """The error names it."""
    with pytest.raises(UsageError, match=r"--html .*cannot be written"):
        verb(show, bundle, "--html", tmp_path)


@needs_chromium
@pytest.mark.slow
def test_the_page_draws_the_power(bundle: Path, tmp_path: Path) -> None:
    """In a real browser: the trace with its pointer, the tables, nothing on the console, nothing loaded."""
    page_file = tmp_path / "page.html"
    verb(show, bundle, "--html", page_file)
    with browser(tmp_path) as page:
        page.open(page_file)
        assert page.js("document.querySelectorAll('.uplot canvas').length") == 1
        assert page.js("document.title") == "example/tiny: text classification · wattmark bundle"
        assert page.js("document.querySelectorAll('section').length") == 4
        assert page.js("performance.getEntriesByType('resource').length") == 0
        text: Any = page.js("document.body.innerText")
        page.width(390)
        assert page.js("document.documentElement.scrollWidth <= 390")
        assert page.said == []
    assert "measure 1" in text
    assert "300 J/query" in text


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen (OpenSSH)")
def test_signing_and_who_it_must_be(bundle: Path, tmp_path: Path) -> None:
    """0 where one of the allowed has signed, 1 where nobody or somebody else has."""
    key = tmp_path / "lab"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", "", "-f", str(key)]
    subprocess.run(command, check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text(f"lab@example.org {Path(f'{key}.pub').read_text()}")
    asked = (bundle, "--signer", allowed)
    unsigned = verb(verify, *asked)
    assert (unsigned.return_value, "it is not signed" in unsigned.stdout) == (1, True)
    assert "signed" in verb(sign, bundle, "--key", key).stdout
    good = verb(verify, *asked)
    assert good.return_value in (0, None)
    assert "signed by lab@example.org (ED25519 SHA256:" in good.stdout
    other = verb(verify, *asked, "--identity", "you@example.org")
    assert (other.return_value, "is not you@example.org's" in other.stdout) == (1, True)
    assert json.loads(verb(show, bundle, "--json").stdout)["signature"]["state"] == "somebody"

"""The page on what a harness adds: figures as measured, and what was not measured named."""

from __future__ import annotations

from benchmarks.bench_overhead import FEW, MANY, NAMES, page, shared, text


def test_the_page_tells_medians_ratios_and_who_could_not_be_measured() -> None:
    """8 ms beside 4 ms of a bare loop is 2.00 x; a contestant that failed says why, and has no figure."""
    one = {"cpu_ms": 4.0, "wall_ms": 5.0, "begin_cpu_s": 0.1, "versions": {"torch": "2"}, "told": {}}
    two = {**one, "cpu_ms": 8.0, "told": {"sampler_cpu_seconds": 0.01, "seconds": 10.0}}
    samples = {"bare": [one], "wattmark": [two], "optimum-benchmark": [one], "ai-energy-benchmarks": []}
    about = {"cpu_model": "C", "cores": 2, "kernel": "K", "python": "CPython 3"}
    told = page(
        {
            "date": "2026-01-01",
            "machine": about,
            "load": [1.0, 9.0],
            "samples": samples,
            "failed": {"ai-energy-benchmarks": "no"},
        }
    )
    assert "| wattmark bench | 8 (8 to 8) | 5 (5 to 5) | 2.00 x | 0.1 (0.1 to 0.1) |" in told
    assert f"| {NAMES['ai-energy-benchmarks']} | not measured | no |" in told
    assert "1.00 ms per second" in told
    assert "other programs ran beside it" in told


def test_a_free_machine_is_called_free_only_when_it_was() -> None:
    """The benchmark itself makes a load of 1."""
    assert "nothing else" in shared(0.5, 1.2)
    assert "other programs" in shared(0.5, 3.0)


def test_texts_differ_and_have_equal_length() -> None:
    """So that no text is answered from a cache, and none is more work."""
    texts = [text(n) for n in range(MANY)]
    assert {len(t.split()) for t in texts} == {32}
    assert len(set(texts[:FEW])) > FEW / 2

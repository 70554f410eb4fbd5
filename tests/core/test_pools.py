"""A bill that names no machines beside records of machines: what may count twice is said."""

from __future__ import annotations

from wattmark.core.pools import Stated, overlaps


def stated(day: int, *, pooled: bool, records: int = 1, **changes: str) -> Stated:
    """Records of an m5.large."""
    fields = {"account": "1", "region": "us-east-2", "type": "m5.large", **changes}
    return Stated(**fields, day=f"2026-05-{day:02}", pooled=pooled, records=records)


def test_a_pool_and_a_machine_of_one_day_may_count_twice() -> None:
    """With the type, the account, the day and what to do."""
    (said,) = overlaps([stated(1, pooled=True), stated(1, pooled=False, records=2), stated(2, pooled=True)])
    assert said.startswith("m5.large of account 1 in us-east-2: on 2026-05-01 a bill's pool")
    assert "beside 2 records of machines" in said
    assert "names its machines" in said


def test_other_days_types_and_accounts_are_others() -> None:
    """Nothing to say."""
    pool = stated(1, pooled=True)
    assert list(overlaps([pool, stated(2, pooled=False)])) == []
    assert list(overlaps([pool, stated(1, pooled=False, type="m5.xlarge")])) == []
    assert list(overlaps([pool, stated(1, pooled=False, account="2")])) == []
    assert list(overlaps([pool, stated(1, pooled=False, region="")])) == []


def test_many_days_are_counted() -> None:
    """Three are named; one record is one."""
    found = [stated(d, pooled=p, region="") for d in range(1, 6) for p in (True, False)]
    (said,) = overlaps(found)
    assert "in no region: on 2026-05-01, 2026-05-02, 2026-05-03 and 2 more" in said
    assert "beside 5 records" in said
    (one,) = overlaps([stated(1, pooled=True), stated(1, pooled=False)])
    assert "beside 1 record of" in one

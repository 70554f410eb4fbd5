-- The table `cube`: sums of `counted` per quarter of an hour. Gaps without an estimate stay rows of their own.
SELECT
    day, bucket_us, subject_id, place_id, known_id, component, boundary, hidden_from, reach, allocation,
    CAST(SUM(CAST(energy_uj AS DECIMAL(38, 0))) AS BIGINT) AS energy_uj,
    CAST(SUM(CAST(observed_us AS DECIMAL(38, 0))) AS BIGINT) AS observed_us,
    CAST(SUM(CAST(gap_us AS DECIMAL(38, 0))) AS BIGINT) AS gap_us,
    CAST(SUM(CAST(gap_uj AS DECIMAL(38, 0))) AS BIGINT) AS gap_uj,
    CAST(SUM(CAST(gap_least_uj AS DECIMAL(38, 0))) AS BIGINT) AS gap_least_uj,
    CAST(SUM(CAST(gap_most_uj AS DECIMAL(38, 0))) AS BIGINT) AS gap_most_uj,
    period_start_us, period_end_us,
    COUNT(*) AS rows
FROM counted
GROUP BY
    day, bucket_us, subject_id, place_id, known_id, component, boundary, hidden_from, reach, allocation,
    period_start_us, period_end_us, gap_uj IS NULL

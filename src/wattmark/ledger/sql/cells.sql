-- Energy per quarter of an hour, hour or day, before anything is joined to it. From `cube`, or row by row from
-- `counted`.
-- A total at boundary b takes what is read at or below b, and not what a wider reading at or below b holds.
SELECT
    subject_id, place_id, known_id, component, COALESCE(reach, boundary) AS reached, allocation,
    {bucket} AS bucket_us, COALESCE(period_start_us, -1) AS from_us,
    COALESCE(period_end_us, -1) AS until_us{keys},
    SUM(CAST(energy_uj AS DECIMAL(38, 0))) AS energy_uj,
    SUM(CAST(observed_us AS DECIMAL(38, 0))) AS observed_us,
    SUM(CAST(gap_us AS DECIMAL(38, 0))) AS gap_us,
    SUM(CASE WHEN gap_uj IS NULL THEN gap_us ELSE 0 END) AS unfilled_us,
    COALESCE(SUM(CAST(gap_uj AS DECIMAL(38, 0))), 0) AS gap_uj,
    COALESCE(SUM(CAST(gap_least_uj AS DECIMAL(38, 0))), 0) AS gap_least_uj,
    COALESCE(SUM(CAST(gap_most_uj AS DECIMAL(38, 0))), 0) AS gap_most_uj
FROM {source}
WHERE boundary <= {boundary} AND hidden_from > {boundary}{filters}
GROUP BY
    subject_id, place_id, known_id, component, COALESCE(reach, boundary), allocation, {bucket},
    COALESCE(period_start_us, -1), COALESCE(period_end_us, -1){keys}

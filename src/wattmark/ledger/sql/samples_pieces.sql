-- Samples cut at the edges of quarters of an hour and of the day: by differences of a rounded-down sum.
WITH mine AS (
    SELECT m.* FROM marked m JOIN simple s ON m.n = s.n
)
SELECT n, start_us - start_us % {bucket} AS bucket_us, start_us, end_us, energy_uj, observed
FROM mine
WHERE start_us // {bucket} = (end_us - 1) // {bucket} AND start_us >= {start} AND end_us <= {end}
UNION ALL
SELECT
    n, bucket_us, left_us, right_us,
    CAST(
        CAST(energy_uj AS HUGEINT) * (right_us - start_us) // (end_us - start_us)
        - CAST(energy_uj AS HUGEINT) * (left_us - start_us) // (end_us - start_us)
        AS BIGINT) AS energy_uj,
    observed
FROM (
    SELECT
        *,
        GREATEST(start_us, bucket_us, {start}) AS left_us,
        LEAST(end_us, bucket_us + {bucket}, {end}) AS right_us
    FROM (
        SELECT
            *,
            UNNEST(RANGE(
                GREATEST(start_us, {start}) // {bucket} * {bucket}, LEAST(end_us, {end}), {bucket}
            )) AS bucket_us
        FROM mine
        WHERE NOT (start_us // {bucket} = (end_us - 1) // {bucket} AND start_us >= {start} AND end_us <= {end})
    ) AS bucketed
) AS cut

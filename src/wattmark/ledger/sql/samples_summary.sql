-- What decides whether the samples of a stream and day can be counted without looking at each.
SELECT
    n,
    MIN(GREATEST(start_us, {start})) AS first_us,
    MAX(LEAST(end_us, {end})) AS last_us,
    SUM(LEAST(end_us, {end}) - GREATEST(start_us, {start})) AS lasted_us,
    MAX(end_us - start_us) AS longest_us,
    SUM(CAST(energy_uj AS HUGEINT)) AS energy_uj,
    BOOL_OR(COALESCE(clashes, FALSE)) AS clashes,
    BOOL_OR(observed) AS observed
FROM marked
GROUP BY n

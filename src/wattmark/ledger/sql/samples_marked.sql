-- Samples of some streams, each interval once (the better one of two: observed, then the larger), with the
-- overlaps of each stream with itself.
SELECT n, start_us, end_us, energy_uj, observed, before_us > start_us AS clashes
FROM (
    SELECT
        n, start_us, end_us, energy_uj, observed,
        LAG(start_us) OVER w AS twin_us, LAG(end_us) OVER w AS before_us
    FROM samples
    WHERE n BETWEEN {first} AND {last} AND energy_uj IS NOT NULL
    WINDOW w AS (PARTITION BY n ORDER BY start_us, end_us, observed DESC, energy_uj DESC)
) AS ordered
WHERE twin_us IS NULL OR twin_us <> start_us OR before_us <> end_us

-- Pieces of a quarter of an hour that follow each other without a break are one row.
WITH filled AS (
    SELECT
        p.*,
        {likely} AS likely_uj, {least} AS least_uj, {most} AS most_uj
    FROM pieces p LEFT JOIN fills f ON p.n = f.n
),
whole AS (
    SELECT
        n, bucket_us, MIN(start_us) AS start_us, MAX(end_us) AS end_us,
        SUM(CAST(energy_uj AS HUGEINT)) AS energy_uj,
        SUM(CASE WHEN observed THEN end_us - start_us ELSE 0 END) AS observed_us,
        SUM(CASE WHEN observed THEN 0 ELSE end_us - start_us END) AS gap_us,
        SUM(likely_uj) AS gap_uj, SUM(least_uj) AS gap_least_uj, SUM(most_uj) AS gap_most_uj,
        SUM(end_us - start_us) AS lasted_us
    FROM filled
    GROUP BY n, bucket_us
),
broken AS (
    SELECT
        f.*,
        SUM(CASE WHEN before_us = f.start_us THEN 0 ELSE 1 END)
            OVER (PARTITION BY f.n, f.bucket_us ORDER BY f.start_us) AS island
    FROM (
        SELECT g.*, LAG(g.end_us) OVER (PARTITION BY g.n, g.bucket_us ORDER BY g.start_us) AS before_us
        FROM filled g JOIN whole w ON g.n = w.n AND g.bucket_us = w.bucket_us
        WHERE w.lasted_us <> w.end_us - w.start_us
    ) AS f
),
rows AS (
    SELECT * EXCLUDE (lasted_us) FROM whole WHERE lasted_us = end_us - start_us
    UNION ALL
    SELECT
        n, bucket_us, MIN(start_us), MAX(end_us), SUM(CAST(energy_uj AS HUGEINT)),
        SUM(CASE WHEN observed THEN end_us - start_us ELSE 0 END),
        SUM(CASE WHEN observed THEN 0 ELSE end_us - start_us END),
        SUM(likely_uj), SUM(least_uj), SUM(most_uj)
    FROM broken
    GROUP BY n, bucket_us, island
)
SELECT
    '{day}' AS day, r.bucket_us, r.start_us, r.end_us, l.record_id, l.subject_id, l.place_id, l.known_id,
    l.host_id, l.device_id, l.component, l.boundary, s.hidden_from, s.reach, 'whole' AS allocation,
    CAST(r.energy_uj AS BIGINT) AS energy_uj, CAST(r.observed_us AS BIGINT) AS observed_us,
    CAST(r.gap_us AS BIGINT) AS gap_us, CAST(r.gap_uj AS BIGINT) AS gap_uj,
    CAST(r.gap_least_uj AS BIGINT) AS gap_least_uj, CAST(r.gap_most_uj AS BIGINT) AS gap_most_uj,
    CAST(NULL AS BIGINT) AS period_start_us, CAST(NULL AS BIGINT) AS period_end_us
FROM rows r
JOIN simple s ON r.n = s.n
JOIN lines l ON r.n = l.n
ORDER BY r.n, r.start_us

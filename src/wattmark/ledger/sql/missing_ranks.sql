-- Energy of jobs of which some ranks left no evidence, once for each rank that is missing for one that is there,
-- and the share of ranks that left some.
WITH ranks AS (
    SELECT attempt, COUNT(DISTINCT rank) AS present, MAX(world_size) AS size
    FROM runs
    WHERE rank IS NOT NULL AND world_size > 0 AND COALESCE(quarantined, '') = ''
    GROUP BY attempt
),
short AS (
    SELECT
        r.record_id, CAST(k.size - k.present AS DOUBLE) / CAST(k.present AS DOUBLE) AS missing,
        CAST(k.present AS DOUBLE) / CAST(k.size AS DOUBLE) AS seen
    FROM runs r JOIN ranks k ON r.attempt = k.attempt
    WHERE k.size > k.present AND r.rank IS NOT NULL
)
SELECT
    s.tags, p.spot, t.period, c.known_id, c.component, c.allocation{keys},
    SUM(CAST(c.energy_uj + COALESCE(c.gap_uj, 0) AS DOUBLE) * x.missing) AS missing_uj, MIN(x.seen) AS seen
FROM counted c
JOIN short x ON c.record_id = x.record_id
JOIN asked_subjects s ON c.subject_id = s.subject_id
JOIN asked_places p ON c.place_id = p.place_id
JOIN asked_buckets t ON {bucket} = t.bucket_us
WHERE c.boundary <= {boundary} AND c.hidden_from > {boundary}{filters}
GROUP BY s.tags, p.spot, t.period, c.known_id, c.component, c.allocation{keys}

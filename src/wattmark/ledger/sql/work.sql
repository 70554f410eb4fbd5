-- Work per group and stage. What was stated beforehand does not count where the same run counted it after all.
WITH counted_units AS (
    SELECT DISTINCT record_id, unit FROM work WHERE NOT declared
),
done AS (
    SELECT
        w.subject_id, w.place_id, w.bucket_us, w.unit, COALESCE(w.precision, '') AS kind{keys},
        SUM(w.count) AS done, SUM(w.failed) AS failed, MAX(CASE WHEN w.declared THEN 1 ELSE 0 END) AS stated
    FROM work w
    LEFT JOIN counted_units u ON w.record_id = u.record_id AND w.unit = u.unit
    WHERE (NOT w.declared OR u.unit IS NULL){filters}
    GROUP BY w.subject_id, w.place_id, w.bucket_us, w.unit, COALESCE(w.precision, ''){keys}
)
SELECT
    s.tags, p.spot, t.period, s.subject{outer_keys}, d.unit, d.kind,
    SUM(d.done) AS done, SUM(d.failed) AS failed, MAX(d.stated) AS stated
FROM done d
JOIN asked_subjects s ON d.subject_id = s.subject_id
JOIN asked_places p ON d.place_id = p.place_id
JOIN asked_buckets t ON d.bucket_us = t.bucket_us
GROUP BY s.tags, p.spot, t.period, s.subject{outer_keys}, d.unit, d.kind

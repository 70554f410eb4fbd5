-- Time for which devices were there, read or not, whether or not a wider reading holds their energy.
-- Only whole devices: how much of a shared one was reserved for whom, its energy does not tell.
WITH times AS (
    SELECT
        c.subject_id, c.place_id, {bucket} AS bucket_us, e.name, c.allocation{keys},
        SUM(CAST(c.observed_us + c.gap_us AS DECIMAL(38, 0))) AS lasted_us
    FROM {source} c
    JOIN asked_embodied e ON c.{column} = e.name
    WHERE 1 = 1{filters}
    GROUP BY c.subject_id, c.place_id, {bucket}, e.name, c.allocation{keys}
)
SELECT
    s.tags, p.spot, t.period{outer_keys}, x.name,
    SUM(CASE WHEN x.allocation = 'whole' THEN x.lasted_us ELSE 0 END) AS reserved_us,
    SUM(CASE WHEN x.allocation = 'whole' THEN 0 ELSE x.lasted_us END) AS shared_us
FROM times x
JOIN asked_subjects s ON x.subject_id = s.subject_id
JOIN asked_places p ON x.place_id = p.place_id
JOIN asked_buckets t ON x.bucket_us = t.bucket_us
GROUP BY s.tags, p.spot, t.period{outer_keys}, x.name

-- Time for which the devices of an inventory were there, read or not, within each line's life. Only whole
-- devices: how much of a shared one was reserved for whom, its energy does not tell.
WITH times AS (
    SELECT
        c.subject_id, c.place_id, {bucket} AS bucket_us, d.item, c.allocation{keys},
        SUM(CAST(LEAST(c.end_us, d.until_us) - GREATEST(c.start_us, d.from_us) AS DECIMAL(38, 0))) AS lasted_us
    FROM counted c
    JOIN asked_devices d ON c.host_id = d.host_id AND c.device_id = d.device_id
    WHERE c.start_us < d.until_us AND c.end_us > d.from_us{filters}
    GROUP BY c.subject_id, c.place_id, {bucket}, d.item, c.allocation{keys}
)
SELECT
    s.tags, p.spot, t.period{outer_keys}, x.item,
    SUM(CASE WHEN x.allocation = 'whole' THEN x.lasted_us ELSE 0 END) AS reserved_us,
    SUM(CASE WHEN x.allocation = 'whole' THEN 0 ELSE x.lasted_us END) AS shared_us
FROM times x
JOIN asked_subjects s ON x.subject_id = s.subject_id
JOIN asked_places p ON x.place_id = p.place_id
JOIN asked_buckets t ON x.bucket_us = t.bucket_us
GROUP BY s.tags, p.spot, t.period{outer_keys}, x.item

-- Electricity per place and stretch of time, at the facility's meter where the PUE is known: node energy x PUE,
-- what was read elsewhere as it was read.
SELECT
    c.place_id, c.bucket_us, c.from_us, c.until_us,
    SUM((CAST(c.energy_uj AS DOUBLE) + CAST(c.gap_uj AS DOUBLE))
        * CASE WHEN c.reached = 1 THEN u.times ELSE 1.0 END) AS used_uj
FROM cells c
JOIN asked_subjects s ON c.subject_id = s.subject_id
JOIN asked_places p ON c.place_id = p.place_id
JOIN asked_slots t ON c.bucket_us = t.bucket_us AND c.from_us = t.from_us AND c.until_us = t.until_us
JOIN asked_pue u ON p.pue_key = u.pue_key AND t.slot = u.slot
GROUP BY c.place_id, c.bucket_us, c.from_us, c.until_us

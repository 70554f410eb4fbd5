-- Energy per group, how it is known, and which factors it met; the groups are small tables of our own.
-- A slot is a stretch in which no factor and no calendar period changes. Whole numbers leave as text: every
-- engine hands it over exactly and quickly.
WITH slotted AS (
    SELECT
        s.subject, p.place, p.grid_key, p.pue_key{rate_keys}, c.known_id, c.component, c.reached, c.allocation,
        t.slot, t.period, t.is_long{keys},
        SUM(c.energy_uj) AS energy_uj, SUM(c.observed_us) AS observed_us, SUM(c.gap_us) AS gap_us,
        SUM(CAST(c.unfilled_us AS DECIMAL(38, 0))) AS unfilled_us, SUM(c.gap_uj) AS gap_uj,
        SUM(c.gap_least_uj) AS gap_least_uj, SUM(c.gap_most_uj) AS gap_most_uj
    FROM cells c
    JOIN asked_subjects s ON c.subject_id = s.subject_id
    JOIN asked_places p ON c.place_id = p.place_id
    JOIN asked_slots t ON c.bucket_us = t.bucket_us AND c.from_us = t.from_us AND c.until_us = t.until_us
    GROUP BY
        s.subject, p.place, p.grid_key, p.pue_key{rate_keys}, c.known_id, c.component, c.reached, c.allocation,
        t.slot, t.period, t.is_long{keys}
)
SELECT
    x.subject, x.place, x.known_id, x.component, x.reached, x.allocation, x.period, x.is_long,
    g.grid, u.pue{rates}{outer_keys},
    CAST(SUM(x.energy_uj) AS STRING) AS energy_uj, CAST(SUM(x.observed_us) AS STRING) AS observed_us,
    CAST(SUM(x.gap_us) AS STRING) AS gap_us, CAST(SUM(x.unfilled_us) AS STRING) AS unfilled_us,
    CAST(SUM(x.gap_uj) AS STRING) AS gap_uj, CAST(SUM(x.gap_least_uj) AS STRING) AS gap_least_uj,
    CAST(SUM(x.gap_most_uj) AS STRING) AS gap_most_uj,
    SUM((CAST(x.energy_uj AS DOUBLE) + CAST(x.gap_uj AS DOUBLE)) * u.times) AS by_pue,
    SUM((CAST(x.energy_uj AS DOUBLE) + CAST(x.gap_uj AS DOUBLE)) * g.grams) AS by_grid,
    SUM((CAST(x.energy_uj AS DOUBLE) + CAST(x.gap_uj AS DOUBLE)) * u.times * g.grams) AS by_both{rate_sums}
FROM slotted x
JOIN asked_grid g ON x.grid_key = g.grid_key AND x.slot = g.slot
JOIN asked_pue u ON x.pue_key = u.pue_key AND x.slot = u.slot{rate_joins}
GROUP BY
    x.subject, x.place, x.known_id, x.component, x.reached, x.allocation, x.period, x.is_long,
    g.grid, u.pue{rate_groups}{outer_keys}

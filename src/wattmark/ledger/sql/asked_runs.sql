-- The runs of each group and period, without what only states carbon or money; a run stands in the period in which it began.
SELECT
    s.tags, p.spot, t.period, {host} AS host, {run} AS run,
    r.record_id, r.host_id, r.attempt, r.status, r.failed, r.start_us, r.end_us, r.folded_us,
    r.own_cpu_seconds, r.workload_cpu_seconds, r.declared_rows, r.rows AS figures
FROM runs r
JOIN asked_subjects s ON r.subject_id = s.subject_id
JOIN asked_places p ON r.place_id = p.place_id
JOIN asked_buckets t ON r.start_us - r.start_us % 900000000 = t.bucket_us
WHERE COALESCE(r.quarantined, '') = '' AND NOT COALESCE(r.stated, FALSE){filters}

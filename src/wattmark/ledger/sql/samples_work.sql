-- Work that streams counted, in the quarter of an hour in which it was done; each interval once.
SELECT
    '{day}' AS day, bucket_us, l.record_id, l.subject_id, l.place_id, l.unit, w.done AS count,
    CAST(0 AS DOUBLE) AS failed, FALSE AS declared, CAST(NULL AS VARCHAR) AS precision
FROM (
    SELECT
        n, (end_us - 1) - (end_us - 1) % {bucket} AS bucket_us,
        SUM(done ORDER BY start_us, end_us, done) AS done
    FROM (
        SELECT n, start_us, end_us, MAX(done) AS done
        FROM samples
        WHERE done IS NOT NULL
        GROUP BY n, start_us, end_us
    ) AS once
    WHERE end_us - 1 BETWEEN {start} AND {end} - 1
    GROUP BY n, (end_us - 1) - (end_us - 1) % {bucket}
) AS w
JOIN lines l ON w.n = l.n
ORDER BY w.n, w.bucket_us

-- Work that streams counted, in the quarter of an hour in which it was done; each moment of a stream once: of
-- intervals that overlap (a server asked again with another step), the later one counts beyond the earlier.
SELECT
    '{day}' AS day, bucket_us, l.record_id, l.subject_id, l.place_id, l.unit, w.done AS count,
    CAST(0 AS DOUBLE) AS failed, FALSE AS declared, CAST(NULL AS VARCHAR) AS precision
FROM (
    SELECT
        n, (end_us - 1) - (end_us - 1) % {bucket} AS bucket_us,
        SUM(
            CASE WHEN before_us <= start_us THEN done ELSE done * (end_us - before_us) / (end_us - start_us) END
            ORDER BY start_us, end_us, done
        ) AS done
    FROM (
        SELECT
            n, start_us, end_us, done,
            COALESCE(MAX(end_us) OVER (
                PARTITION BY n ORDER BY start_us, end_us ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS before_us
        FROM (
            SELECT n, start_us, end_us, MAX(done) AS done
            FROM samples
            WHERE done IS NOT NULL
            GROUP BY n, start_us, end_us
        ) AS once
    ) AS ordered
    WHERE end_us > before_us AND end_us - 1 BETWEEN {start} AND {end} - 1
    GROUP BY n, (end_us - 1) - (end_us - 1) % {bucket}
) AS w
JOIN lines l ON w.n = l.n
ORDER BY w.n, w.bucket_us

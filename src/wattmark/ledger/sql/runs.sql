-- What the runs of each group were. Machines' time counts once, however many runs were on them: a run adds
-- what lies beyond the latest end of those that began before it.
WITH ranks AS (
    SELECT attempt, COUNT(DISTINCT rank) AS present, MAX(world_size) AS size
    FROM runs
    WHERE rank IS NOT NULL AND world_size > 0 AND COALESCE(quarantined, '') = ''
    GROUP BY attempt
),
taken AS (
    SELECT
        a.*,
        ROW_NUMBER() OVER (
            PARTITION BY tags, spot, period, host, run, attempt ORDER BY end_us - start_us DESC, record_id
        ) AS nth,
        MAX(end_us) OVER (
            PARTITION BY tags, spot, period, host, run, host_id ORDER BY start_us, end_us, record_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_us
    FROM {runs_of} a
),
longest AS (
    SELECT
        tags, spot, period, host, run, start_us, end_us,
        MAX(end_us) OVER (
            PARTITION BY tags, spot, period, host, run, host_id ORDER BY start_us, end_us, record_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before_us
    FROM taken
    WHERE nth = 1
),
lasted AS (
    SELECT
        tags, spot, period, host, run,
        SUM(CAST(CASE
            WHEN before_us IS NULL OR start_us >= before_us THEN end_us - start_us
            WHEN end_us > before_us THEN end_us - before_us
            ELSE 0 END AS DECIMAL(38, 0))) AS lasted_us
    FROM longest
    GROUP BY tags, spot, period, host, run
)
SELECT
    t.tags, t.spot, t.period, t.host, t.run,
    COUNT(*) AS runs, COUNT(DISTINCT t.attempt) AS attempts,
    SUM(CASE WHEN t.failed THEN 1 ELSE 0 END) AS failed,
    SUM(CASE WHEN t.status = 'open' THEN 1 ELSE 0 END) AS still_open,
    SUM(CASE WHEN t.status = 'interrupted' THEN 1 ELSE 0 END) AS interrupted,
    MAX(l.lasted_us) AS lasted_us,
    SUM(CAST(CASE
        WHEN t.before_us IS NULL OR t.start_us >= t.before_us THEN t.end_us - t.start_us
        WHEN t.end_us > t.before_us THEN t.end_us - t.before_us
        ELSE 0 END AS DECIMAL(38, 0))) AS machines_us,
    SUM(t.own_cpu_seconds) AS own_cpu, COUNT(t.own_cpu_seconds) AS own_told,
    SUM(t.workload_cpu_seconds) AS workload_cpu, COUNT(t.workload_cpu_seconds) AS workload_told,
    SUM(t.declared_rows) AS declared_rows, SUM(t.figures) AS figures,
    PERCENTILE_DISC(0.95) WITHIN GROUP (ORDER BY t.folded_us - t.end_us) AS latency_us,
    MIN(CASE WHEN r.size > r.present THEN CAST(r.present AS DOUBLE) / CAST(r.size AS DOUBLE) ELSE 1 END)
        AS rank_coverage
FROM taken t
JOIN lasted l ON t.tags = l.tags AND t.spot = l.spot AND t.period = l.period AND t.host = l.host AND t.run = l.run
LEFT JOIN ranks r ON t.attempt = r.attempt
GROUP BY t.tags, t.spot, t.period, t.host, t.run

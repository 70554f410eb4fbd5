-- The latest of each named quality in each group.
WITH told AS (
    SELECT
        a.tags, a.spot, a.period, a.host, a.run, q.name, q.value, q.higher_is_better,
        ROW_NUMBER() OVER (
            PARTITION BY a.tags, a.spot, a.period, a.host, a.run, q.name
            ORDER BY a.start_us DESC, a.record_id DESC
        ) AS nth
    FROM quality q
    JOIN {runs_of} a ON q.record_id = a.record_id
)
SELECT tags, spot, period, host, run, name, value, higher_is_better FROM told WHERE nth = 1

-- auth.mail.measure
SELECT
    count(*)::int AS waiting,
    COALESCE(EXTRACT(EPOCH FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
FROM letters
WHERE state = 'waiting'

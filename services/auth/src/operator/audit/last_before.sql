-- auth.operator.audit.last_before
SELECT position, hash
FROM audit_log
WHERE chained_at < LEAST($1::date::timestamp, date_trunc('month', now() AT TIME ZONE 'UTC')) AT TIME ZONE 'UTC'
ORDER BY position DESC
LIMIT 1

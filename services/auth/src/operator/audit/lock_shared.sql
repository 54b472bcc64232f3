-- auth.operator.audit.lock_shared
SELECT pg_advisory_xact_lock_shared($1)

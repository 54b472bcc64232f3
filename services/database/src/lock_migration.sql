-- database.lock_migration
SELECT pg_advisory_lock($1)

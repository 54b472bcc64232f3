-- auth.administration.lock_ranks
SELECT pg_advisory_xact_lock($1)

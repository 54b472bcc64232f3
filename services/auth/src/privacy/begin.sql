-- auth.privacy.begin
WITH begun AS (
    INSERT INTO erasures (erasure_id, user_id, sessions)
    VALUES ($1, $2, $3)
    RETURNING erasure_id, begun_at
)
SELECT begun_at, pg_notify('erasures', '')
FROM begun

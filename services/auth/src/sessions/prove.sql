-- auth.sessions.prove
WITH session AS (
    UPDATE sessions
    SET
        authenticated_at = now(),
        proofs = ARRAY(SELECT DISTINCT unnest(proofs || $3::text[]) AS proof ORDER BY proof)
    WHERE
        session_id = $1
        AND user_id = $2
        AND impersonator_id IS NULL
        AND ended_at IS NULL
        AND expires_at > now()
    RETURNING *
), found AS (
    SELECT users.*
    FROM session
    JOIN users USING (user_id)
), token AS (
    SELECT NULL::timestamptz AS expires_at
)

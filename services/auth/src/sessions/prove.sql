-- auth.sessions.prove
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
RETURNING session_id

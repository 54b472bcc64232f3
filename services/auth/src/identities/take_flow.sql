-- auth.identities.take_flow
DELETE FROM identity_flows
WHERE flow_hash = $1
    AND provider = $2
    AND session_id IS NOT DISTINCT FROM $3
    AND expires_at > now()
    AND (
        session_id IS NULL
        OR EXISTS (
            SELECT
            FROM sessions
            WHERE sessions.session_id = identity_flows.session_id
                AND sessions.ended_at IS NULL
                AND sessions.expires_at > now()
        )
    )
RETURNING return_path

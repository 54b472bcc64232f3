-- auth.identities.delete_expired_flows
DELETE FROM identity_flows
WHERE flow_hash IN (
    SELECT flow_hash
    FROM identity_flows
    WHERE expires_at <= now()
    ORDER BY expires_at
    LIMIT 20
    FOR UPDATE SKIP LOCKED
)
RETURNING flow_hash

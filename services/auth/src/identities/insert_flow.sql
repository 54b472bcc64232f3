-- auth.identities.insert_flow
INSERT INTO identity_flows (flow_hash, provider, return_path, session_id, expires_at)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
RETURNING expires_at

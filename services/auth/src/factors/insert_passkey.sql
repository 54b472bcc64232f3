-- auth.factors.insert_passkey
INSERT INTO factors (factor_id, user_id, kind, credential_id, sealed, name, confirmed_at)
VALUES ($1, $2, 'passkey', $3, $4, $5, now())
RETURNING factor_id, kind, name, confirmed_at, last_used_at

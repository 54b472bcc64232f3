-- auth.factors.begin_totp
INSERT INTO factors (factor_id, user_id, kind, sealed)
VALUES ($1, $2, 'totp', $3)
RETURNING factor_id

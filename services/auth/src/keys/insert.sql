-- auth.keys.insert
INSERT INTO signing_keys (kid, sealed)
VALUES ($1, $2)
RETURNING kid

-- auth.keys.insert
INSERT INTO signing_keys (kid, sealed, signs_from)
VALUES ($1, $2, now() + make_interval(secs => $3))
RETURNING kid

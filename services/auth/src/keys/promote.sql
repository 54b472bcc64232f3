-- auth.keys.promote
UPDATE signing_keys
SET signs_from = LEAST(signs_from, now() + make_interval(secs => $1))
WHERE retired_at IS NULL AND signs_from > now()
RETURNING kid

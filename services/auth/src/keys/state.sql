-- auth.keys.state
SELECT
    bool_or(signs_from <= now()) AS has_signing,
    bool_or(signs_from > now()) AS has_next,
    EXTRACT(
        EPOCH FROM max(signs_from) FILTER (WHERE signs_from <= now()) + make_interval(days => $1) - now()
    )::float8 AS seconds_left
FROM signing_keys
WHERE retired_at IS NULL

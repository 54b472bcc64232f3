-- auth.keys.find_all
SELECT
    kid,
    sealed,
    created_at,
    signs_from,
    retired_at,
    signs_from > now() AS is_next,
    retired_at IS NOT NULL AS is_retired
FROM signing_keys
ORDER BY signs_from DESC, created_at DESC, kid

-- auth.keys.retire
UPDATE signing_keys
SET retired_at = now()
WHERE retired_at IS NULL AND EXISTS (
    SELECT
    FROM signing_keys AS newer
    WHERE newer.retired_at IS NULL
        AND newer.signs_from <= now()
        AND (newer.signs_from, newer.created_at, newer.kid)
            > (signing_keys.signs_from, signing_keys.created_at, signing_keys.kid)
)
RETURNING kid

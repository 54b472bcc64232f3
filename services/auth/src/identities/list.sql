-- auth.identities.list
SELECT
    identity_id,
    issuer,
    email,
    created_at,
    last_used_at
FROM identities
WHERE user_id = $1
ORDER BY created_at, identity_id

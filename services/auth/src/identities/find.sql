-- auth.identities.find
SELECT
    identity_id,
    issuer,
    email,
    created_at,
    last_used_at
FROM identities
WHERE user_id = $1 AND issuer = $2 AND subject = $3

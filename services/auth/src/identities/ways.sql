-- auth.identities.ways
SELECT
    password_hash <> '' AS has_password,
    EXISTS (
        SELECT
        FROM identities
        WHERE identities.user_id = users.user_id
    ) AS has_identity,
    EXISTS (
        SELECT
        FROM factors
        WHERE
            factors.user_id = users.user_id
            AND kind = 'passkey'
            AND confirmed_at IS NOT NULL
    ) AS has_passkey
FROM users
WHERE user_id = $1

-- auth.identities.ways
SELECT
    password_hash <> '' AS has_password,
    EXISTS (
        SELECT
        FROM identities
        WHERE identities.user_id = users.user_id
    ) AS has_identity
FROM users
WHERE user_id = $1

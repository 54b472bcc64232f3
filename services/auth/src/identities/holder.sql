-- auth.identities.holder
SELECT
    user_id,
    email_verified AS is_verified
FROM users
WHERE email = $1
FOR UPDATE

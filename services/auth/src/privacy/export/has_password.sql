-- auth.privacy.export.has_password
SELECT password_hash <> '' AS has_password
FROM users
WHERE user_id = $1

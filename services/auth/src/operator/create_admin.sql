-- auth.operator.create_admin
INSERT INTO users (user_id, email, username, display_name, roles, password_hash)
SELECT
    $1::uuid,
    $2,
    CASE
        WHEN EXISTS (SELECT FROM users WHERE lower(username) = 'admin')
        THEN 'admin-' || right($1::uuid::text, 12)
        ELSE 'admin'
    END,
    '',
    ARRAY['admin'],
    ''
RETURNING user_id

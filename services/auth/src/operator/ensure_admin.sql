-- auth.operator.ensure_admin
INSERT INTO users (user_id, email, username, display_name, roles, password_hash)
SELECT $1, $2, 'admin', '', ARRAY['admin'], ''
WHERE NOT EXISTS (SELECT FROM users WHERE 'admin' = ANY(roles))
ON CONFLICT DO NOTHING
RETURNING user_id

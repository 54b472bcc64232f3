-- auth.operator.insert_link
INSERT INTO sign_in_links (token_hash, user_id, expires_at)
SELECT $1, user_id, now() + interval '15 minutes'
FROM users
WHERE email = $2 AND 'admin' = ANY(roles)
RETURNING user_id

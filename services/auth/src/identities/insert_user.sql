-- auth.identities.insert_user
INSERT INTO users (user_id, email, username, display_name, password_hash, email_verified_at)
VALUES ($1, $2, $3, $4, '', CASE WHEN $5 THEN now() END)
ON CONFLICT DO NOTHING
RETURNING user_id

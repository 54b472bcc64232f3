-- auth.identities.insert_user
INSERT INTO users
    (user_id, email, username, username_skeleton, display_name, password_hash, email_verified)
VALUES ($1, $2, $3, $4, $5, '', $6)
ON CONFLICT DO NOTHING
RETURNING user_id

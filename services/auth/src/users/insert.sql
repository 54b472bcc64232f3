-- auth.users.insert
WITH found AS (
    INSERT INTO users (user_id, email, username, display_name, password_hash)
    VALUES ($1, $2, $3, $4, $5)
    RETURNING *
)

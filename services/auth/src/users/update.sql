-- auth.users.update
WITH found AS (
    UPDATE users
    SET
        username = COALESCE($2, username),
        display_name = COALESCE($3, display_name),
        updated_at = now()
    WHERE user_id = $1
    RETURNING *
)

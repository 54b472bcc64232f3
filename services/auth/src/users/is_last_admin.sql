-- auth.users.is_last_admin
SELECT
    'admin' = ANY(roles) AND NOT EXISTS (
        SELECT
        FROM users AS others
        WHERE others.roles @> '{admin}' AND others.suspended_at IS NULL AND others.user_id <> $1
    ) AS is_last
FROM users
WHERE user_id = $1
FOR UPDATE

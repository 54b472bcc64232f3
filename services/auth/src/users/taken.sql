-- auth.users.taken
SELECT
    EXISTS (SELECT FROM users WHERE email = $1) AS email,
    EXISTS (
        SELECT
        FROM users
        WHERE lower(username) = lower($2) OR username_skeleton = $3
    ) AS username

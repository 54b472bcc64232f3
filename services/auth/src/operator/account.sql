-- auth.operator.account
SELECT
    user_id,
    'admin' = ANY(roles) AS is_admin,
    suspended_at IS NOT NULL AS is_suspended
FROM users
WHERE email = $1
FOR UPDATE

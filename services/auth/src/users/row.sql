-- auth.users.row
SELECT
    user_id,
    email,
    email_verified,
    username,
    COALESCE(NULLIF(display_name, ''), username) AS display_name,
    roles,
    created_at,
    updated_at,
    version::text AS etag,
    suspended_at
FROM found

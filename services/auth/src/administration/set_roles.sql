-- auth.administration.set_roles
UPDATE users
SET
    roles = $2,
    version = version + 1,
    changed_in = changed_in || jsonb_build_object('roles', version + 1),
    updated_at = now()
WHERE user_id = $1
RETURNING user_id

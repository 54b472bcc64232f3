-- auth.operator.promote
UPDATE users
SET
    roles = roles || '{admin}',
    version = version + 1,
    changed_in = changed_in || jsonb_build_object('roles', version + 1),
    updated_at = now()
WHERE user_id = $1
RETURNING user_id

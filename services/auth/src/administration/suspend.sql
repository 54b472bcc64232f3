-- auth.administration.suspend
UPDATE users
SET
    suspended_at = now(),
    version = version + 1,
    changed_in = changed_in || jsonb_build_object('suspended_at', version + 1),
    updated_at = now()
WHERE user_id = $1
RETURNING user_id

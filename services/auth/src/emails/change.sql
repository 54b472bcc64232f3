-- auth.emails.change
UPDATE users
SET
    email = $2,
    email_verified = true,
    version = version + 1,
    changed_in = changed_in
        || jsonb_build_object('email', version + 1, 'email_verified', version + 1),
    updated_at = now()
WHERE user_id = $1
RETURNING user_id

-- auth.emails.verify
UPDATE users
SET
    email_verified = true,
    version = version + 1,
    changed_in = changed_in || jsonb_build_object('email_verified', version + 1),
    updated_at = now()
WHERE user_id = $1 AND email = $2 AND NOT email_verified
RETURNING user_id

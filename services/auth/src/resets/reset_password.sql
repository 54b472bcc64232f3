-- auth.resets.reset_password
UPDATE users
SET
    password_hash = $3,
    email_verified = true,
    version = version + (NOT email_verified)::int,
    changed_in = CASE
        WHEN email_verified THEN changed_in
        ELSE changed_in || jsonb_build_object('email_verified', version + 1)
    END,
    updated_at = CASE WHEN email_verified THEN updated_at ELSE now() END
WHERE user_id = $1 AND email = $2
RETURNING user_id

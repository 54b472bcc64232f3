-- auth.resets.reset_password
WITH had AS (
    SELECT user_id, email_verified AS was_verified
    FROM users
    WHERE user_id = $1 AND email = $2
    FOR UPDATE
)
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
FROM had
WHERE users.user_id = had.user_id
RETURNING users.user_id, was_verified

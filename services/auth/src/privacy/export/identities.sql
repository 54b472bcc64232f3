-- auth.privacy.export.identities
SELECT identity_id, issuer, subject, email, created_at, last_used_at
FROM identities
WHERE user_id = $1
ORDER BY identity_id

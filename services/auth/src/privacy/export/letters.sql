-- auth.privacy.export.letters
SELECT letter_id, recipient, kind, state, letters.created_at, settled_at, failure
FROM users
JOIN letters ON recipient = email
-- An address that is not proven may be another's, and so may older letters to one
-- that is.
WHERE user_id = $1 AND email_verified AND letters.created_at >= users.created_at
ORDER BY letter_id

-- auth.privacy.export.recovery_codes
SELECT created_at, used_at
FROM recovery_codes
WHERE user_id = $1
ORDER BY created_at, used_at

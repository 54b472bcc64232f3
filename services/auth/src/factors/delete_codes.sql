-- auth.factors.delete_codes
DELETE FROM recovery_codes
WHERE user_id = $1
RETURNING code_hash

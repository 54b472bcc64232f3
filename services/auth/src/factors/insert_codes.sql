-- auth.factors.insert_codes
INSERT INTO recovery_codes (user_id, code_hash)
SELECT $1, hash
FROM unnest($2::bytea[]) AS hash
RETURNING code_hash

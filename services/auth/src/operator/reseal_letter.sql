-- auth.operator.reseal_letter
UPDATE letters
SET sealed = $3
WHERE letter_id = $1::text::uuid AND sealed = $2
RETURNING letter_id

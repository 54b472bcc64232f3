-- auth.privacy.done
UPDATE erasures
SET
    user_id = NULL,
    done_at = now(),
    receipt = $2
WHERE erasure_id = $1 AND done_at IS NULL
RETURNING erasure_id

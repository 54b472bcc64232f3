-- auth.privacy.content_erased
UPDATE erasures
SET
    posts = posts + $2,
    content_at = now(),
    due_at = begun_at + interval '20 seconds'
WHERE erasure_id = $1 AND done_at IS NULL
RETURNING posts, begun_at <= now() - interval '20 seconds' AS is_settled

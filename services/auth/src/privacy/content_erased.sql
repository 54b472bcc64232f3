-- auth.privacy.content_erased
UPDATE erasures
SET
    posts = posts + $2,
    content_at = now()
WHERE erasure_id = $1 AND content_at IS NULL
RETURNING posts

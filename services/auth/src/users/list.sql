-- auth.users.list
WITH found AS (
    SELECT *
    FROM users
    WHERE
        (created_at, user_id) < ($1, $2)
        AND (
            $4::text IS NULL
            OR (email ~>=~ $4 AND email ~<~ $5)
            OR (lower(username) ~>=~ $4 AND lower(username) ~<~ $5)
            OR to_tsvector('simple', translate(username || ' ' || display_name, '._-@', '    '))
                @@ to_tsquery('simple', $6)
        )
        AND ($7::text[] IS NULL OR roles @> $7)
        AND ($8::boolean IS NULL OR (suspended_at IS NOT NULL) = $8)
        AND ($9::timestamptz IS NULL OR created_at >= $9)
        AND ($10::timestamptz IS NULL OR created_at < $10)
    ORDER BY created_at DESC, user_id DESC
    LIMIT $3
)

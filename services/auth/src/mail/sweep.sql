-- auth.mail.sweep
DELETE FROM letters
WHERE
    letter_id IN (
        SELECT letter_id
        FROM letters
        WHERE
            state <> 'waiting'
            AND settled_at < now() - CASE
                WHEN state = 'sent' THEN interval '1 day'
                ELSE interval '30 days'
            END
        ORDER BY settled_at
        LIMIT 1000
    )
RETURNING letter_id

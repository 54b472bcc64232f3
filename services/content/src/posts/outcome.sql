-- content.posts.outcome
SELECT
    shown.*,
    target.is_writer,
    target.version::text AS current_etag,
    ARRAY(
        SELECT field
        FROM jsonb_each_text(target.changed_in) AS changed (field, in_version)
        WHERE in_version::bigint > COALESCE(
            (SELECT max(meant) FROM unnest($4) AS meant WHERE meant < target.version), 0
        )
        ORDER BY field
    ) AS changed_fields
FROM target
LEFT JOIN shown ON true

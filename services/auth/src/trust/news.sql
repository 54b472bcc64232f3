-- auth.trust.news
WITH seen AS (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon
)
SELECT
    seen.horizon::text AS horizon,
    trust_events.event_id,
    trust_events.kind,
    trust_events.subject_id,
    trust_events.expires_at
FROM seen
LEFT JOIN trust_events
    ON trust_events.xact >= $1::text::xid8
    AND (trust_events.expires_at IS NULL OR trust_events.expires_at > now())
ORDER BY trust_events.event_id

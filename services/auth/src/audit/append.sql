-- auth.audit.append
INSERT INTO audit_log (
    position,
    chained_at,
    sequence,
    occurred_at,
    kind,
    actor_id,
    subject_id,
    session_id,
    request_id,
    details,
    private_mark,
    hash
)
SELECT position, $12, sequence, occurred_at, kind, actor_id, subject_id, session_id, request_id, details, private_mark, hash
FROM unnest(
    $1::bigint[],
    $2::bigint[],
    $3::timestamptz[],
    $4::text[],
    $5::uuid[],
    $6::uuid[],
    $7::uuid[],
    $8::text[],
    $9::text[],
    $10::bytea[],
    $11::bytea[]
) AS chained (
    position,
    sequence,
    occurred_at,
    kind,
    actor_id,
    subject_id,
    session_id,
    request_id,
    details,
    private_mark,
    hash
)
RETURNING position

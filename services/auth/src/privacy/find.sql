-- auth.privacy.find
SELECT erasure_id, begun_at, done_at, receipt
FROM erasures
WHERE erasure_id = $1

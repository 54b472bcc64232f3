-- auth.audit.keep_private
INSERT INTO audit_private (position, private, salt)
SELECT position, private, salt
FROM unnest($1::bigint[], $2::text[], $3::bytea[]) AS kept (position, private, salt)
RETURNING position

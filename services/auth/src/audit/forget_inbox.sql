-- auth.audit.forget_inbox
UPDATE audit_inbox
SET private = '', salt = ''
WHERE actor_id = $1 OR subject_id = $1
RETURNING sequence

-- auth.operator.audit.drop_private
DELETE FROM audit_private
WHERE position <= $1
RETURNING position

-- auth.operator.audit.waiting
SELECT count(*) AS waiting
FROM audit_inbox

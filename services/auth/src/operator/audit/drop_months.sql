-- auth.operator.audit.drop_months
SELECT audit_drop_before(LEAST($1::date, (now() AT TIME ZONE 'UTC')::date)) AS months

-- auth.operator.find_sealed_factors
SELECT factor_id::text AS id, uuid_send(user_id) || uuid_send(factor_id) AS context, sealed
FROM factors
ORDER BY factor_id
FOR UPDATE

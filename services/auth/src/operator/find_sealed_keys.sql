-- auth.operator.find_sealed_keys
SELECT kid AS id, convert_to(kid, 'UTF8') AS context, sealed
FROM signing_keys
ORDER BY kid
FOR UPDATE

-- auth.operator.find_sealed_letters
SELECT letter_id::text AS id, uuid_send(letter_id) AS context, sealed
FROM letters
WHERE sealed IS NOT NULL
ORDER BY letter_id
FOR UPDATE

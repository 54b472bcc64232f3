-- auth.challenges.recent
SELECT
    count(*) >= 5 OR count(*) FILTER (WHERE created_at > now() - interval '1 minute') >= 1
        AS is_too_many
FROM challenges
WHERE email = $1 AND purpose = $2 AND created_at > now() - interval '1 hour'

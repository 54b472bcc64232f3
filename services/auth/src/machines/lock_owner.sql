-- auth.machines.lock_owner
WITH locked_user AS (
    SELECT user_id AS owner_id
    FROM users
    WHERE user_id = $1
    FOR NO KEY UPDATE
), locked_account AS (
    SELECT service_account_id AS owner_id
    FROM service_accounts
    WHERE service_account_id = $2
    FOR NO KEY UPDATE
)
SELECT owner_id
FROM locked_user
UNION ALL
SELECT owner_id
FROM locked_account

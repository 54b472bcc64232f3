-- auth.users.plan_anew
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

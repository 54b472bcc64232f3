-- Takes one request from a budget (GCRA). The key holds the microsecond at which
-- the budget will be full again, and lives no longer than until then.
-- ARGV: quota, microseconds until one more request is allowed.
-- Answers: allowed (1 or 0), remaining, microseconds to wait for one more.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local quota, interval = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local room = quota * interval - (full - now)
if room < interval then
  return {0, 0, interval - room}
end
room = room - interval
redis.call('SET', KEYS[1], string.format('%.0f', full + interval),
  'PX', math.ceil((full + interval - now) / 1000))
local remaining = math.floor(room / interval)
local wait = 0
if remaining == 0 then
  wait = interval - room
end
return {1, remaining, wait}

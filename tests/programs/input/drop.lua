-- drop.lua - deletes what redis-benchmark wrote.
for _, key in ipairs(redis.call('KEYS', 'key:*')) do
    redis.call('DEL', key)
end
return redis.call('DBSIZE')

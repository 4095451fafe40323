-- fill.lua - the same keys every time: strings that grow and shrink, lists, sets, sorted sets,
-- hashes, streams, in their small and in their large encodings.
local function call(...) return redis.call(...) end

for i = 1, 6000 do
    local key = 'string:' .. i
    call('SET', key, string.rep('abcdefgh', i % 300))
    call('APPEND', key, string.rep('tail', i % 40))
    if i % 3 == 0 then call('SETRANGE', key, i % 5000, 'patched') end
    if i % 4 == 0 then call('SET', key, i) end
    if i % 7 == 0 then call('DEL', key) end
end
for i = 1, 300 do
    for j = 1, i % 90 + 1 do
        call('RPUSH', 'list:' .. i, string.rep('x', j * 3) .. i)
        call('SADD', 'set:' .. i, (i % 2 == 0) and j or ('member' .. j))
        call('ZADD', 'sorted:' .. i, j * 7919 % 101, 'm' .. j)
        call('HSET', 'hash:' .. i, 'field' .. j, string.rep('v', j))
    end
    call('LTRIM', 'list:' .. i, 1, 60)
end
for j = 1, 20000 do
    call('ZADD', 'sorted:large', j * 7919 % 10007, 'member:' .. j)
    call('HSET', 'hash:large', 'field' .. j, string.rep('w', j % 100))
end
for j = 1, 20000, 3 do
    call('ZREM', 'sorted:large', 'member:' .. j)
    call('HDEL', 'hash:large', 'field' .. j)
end
return call('DBSIZE')

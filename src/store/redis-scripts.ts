/** What happens inside Redis in one step: each script looks at the server it runs on and at the data in the same moment. */

/** A Lua script, sent once and then called by its digest. */
export interface RedisScript {
  text: string
}

/**
 * The identity of the server. A restart changes the run id, a promotion the replication id: either may have lost acknowledged
 * writes (reliability: fence after possible loss).
 */
const identity = `
local info = redis.call('INFO', 'server', 'replication')
local here = string.match(info, 'run_id:(%x+)') .. ':' .. string.match(info, 'master_replid:(%x+)')
`

/** KEYS: marker, spent id. ARGV: marker expected, request id, life in ms. Gives 1 spent now, 0 spent before, -1 memory in doubt. */
export const spendScript: RedisScript = {
  text: `${identity}
local marker = redis.call('GET', KEYS[1])
if marker ~= ARGV[1] or string.sub(marker, 1, #here) ~= here then return -1 end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then return 1 end
if redis.call('GET', KEYS[2]) == ARGV[2] then return 1 end
return 0`,
}

/**
 * KEYS: marker. ARGV: name of a new epoch, fence in ms if one is needed, 1 when a restart of this server loses nothing. Gives the
 * marker that holds now. It is \`RUN:REPLICATION:EPOCH:FENCE\`, and a new one where it was gone or another server wrote it.
 */
export const settleScript: RedisScript = {
  text: `${identity}
local marker = redis.call('GET', KEYS[1])
if marker and string.sub(marker, 1, #here) == here then return marker end
local fence = ARGV[2]
if marker and ARGV[3] == '1' then fence = string.match(marker, ':(%d+)$') end
marker = here .. ':' .. ARGV[1] .. ':' .. fence
redis.call('SET', KEYS[1], marker)
return marker`,
}

/** KEYS: counter. ARGV: window in ms. Gives the count and the ms left. */
export const countScript: RedisScript = {
  text: `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}`,
}

/** KEYS: counter. Gives the count and the ms left; 0 and 0 when it is not running. */
export const countedScript: RedisScript = {
  text: `
local count = redis.call('GET', KEYS[1])
if not count then return {0, 0} end
return {tonumber(count), redis.call('PTTL', KEYS[1])}`,
}

/**
 * KEYS: revision, then the hash of each changed record's kind. ARGV: now, then for each record id, expected version, document or
 * empty. Gives the new revision, or the position and version of the first record that is not as expected.
 */
export const changeScript: RedisScript = {
  text: `
for at = 1, #KEYS - 1 do
  local held = redis.call('HGET', KEYS[at + 1], ARGV[3 * at - 1])
  local version = '0'
  if held then
    local until_, its = string.match(held, '^([^ ]*) ([^ ]*) ')
    if until_ == '' or tonumber(until_) > tonumber(ARGV[1]) then version = its end
  end
  if version ~= ARGV[3 * at] then return {0, at, version} end
end
local revision = redis.call('INCR', KEYS[1])
for at = 1, #KEYS - 1 do
  local id, document = ARGV[3 * at - 1], ARGV[3 * at + 1]
  if document == '' then redis.call('HDEL', KEYS[at + 1], id)
  else
    local until_, value = string.match(document, '^([^ ]*) (.*)$')
    redis.call('HSET', KEYS[at + 1], id, until_ .. ' ' .. string.format('%d', revision) .. ' ' .. value)
  end
end
return {1, revision}`,
}

/** KEYS: hash of a kind. ARGV: now, then ids. Forgets those of them that have ended. */
export const forgetScript: RedisScript = {
  text: `
for at = 2, #ARGV do
  local held = redis.call('HGET', KEYS[1], ARGV[at])
  local until_ = held and string.match(held, '^([^ ]*) ')
  if until_ and until_ ~= '' and tonumber(until_) <= tonumber(ARGV[1]) then redis.call('HDEL', KEYS[1], ARGV[at]) end
end
return 0`,
}

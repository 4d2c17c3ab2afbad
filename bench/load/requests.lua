-- wrk script: one kind of request, or a mix, for as long as wrk's -d says.
--   MODE=create|replay|get|list|mixed  [KEYS=FILE] [IDS=FILE] [LIST=PATH?QUERY] wrk -t2 -c64 -d10 -s bench/load/requests.lua URL
-- KEYS and IDS hold one Idempotency-Key or orderId a line. The last line printed is JSON for bench/measure.

local mode = os.getenv("MODE") or "create"
local threads = {}

function setup(thread)
    thread:set("id", #threads)
    table.insert(threads, thread)
end

local function lines_of(name)
    local found = {}
    if os.getenv(name) then
        for line in io.lines(os.getenv(name)) do
            table.insert(found, line)
        end
    end
    return found
end

local headers = { ["Content-Type"] = "application/json" }
local body = '{"customerId":"67993c38-8059-4d8b-8567-1542560584ee","items":[' ..
    '{"sku":"SKU-1","quantity":33,"unitPrice":19.99},{"sku":"SKU-2","quantity":14.50,"unitPrice":25}],' ..
    '"currency":"USD","shippingAddress":{"country":"USA","city":"Austin","addressLine1":"Lincoln, 65"}}'
local path = "/api/v1/orders"

function init()
    math.randomseed(os.time() * 1000 + id)
    run = string.format("%08x%06x", math.random(0, 0x7fffffff), math.random(0, 0xffffff))
    keys, ids, list = lines_of("KEYS"), lines_of("IDS"), os.getenv("LIST") or (path .. "?size=20")
    sent, good, bad, limited = 0, 0, 0, 0
end

local makers = {
    create = function()
        headers["Idempotency-Key"] = string.format("%s-%d-%d", run, id, sent)
        return wrk.format("POST", path .. "/create", headers, body)
    end,
    replay = function()
        headers["Idempotency-Key"] = keys[sent % #keys + 1]
        return wrk.format("POST", path .. "/create", headers, body)
    end,
    get = function()
        return wrk.format("GET", path .. "/" .. ids[(sent * 7919 + id * 31) % #ids + 1])
    end,
    list = function()
        return wrk.format("GET", list)
    end,
}
-- what a shop does: many looks, some orders, a few repeats and lists
makers.mixed = function()
    local kind = sent % 10
    if kind < 3 then
        return makers.create()
    end
    return kind < 8 and makers.get() or kind < 9 and makers.replay() or makers.list()
end

function request()
    sent = sent + 1
    return makers[mode]()
end

function response(status)
    if status < 300 then
        good = good + 1
    elseif status == 503 or status == 429 then
        limited = limited + 1
    else
        bad = bad + 1
    end
end

function done(summary, latency)
    local totals = { good = 0, bad = 0, limited = 0 }
    for _, thread in ipairs(threads) do
        for name in pairs(totals) do
            totals[name] = totals[name] + thread:get(name)
        end
    end
    local errors = summary.errors
    io.write(string.format(
        '{"seconds":%.3f,"good":%d,"bad":%d,"limited":%d,"broken":%d,"p50_ms":%.3f,"p99_ms":%.3f}\n',
        summary.duration / 1e6, totals.good, totals.bad, totals.limited,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

-- wrk script: creates orders, each with a key of its own, until ORDERS of them (default 2000) are answered over all threads.
--   ORDERS=2000 wrk -t2 -c64 -d60 -s bench/create.lua http://127.0.0.1:3001
-- Threads stop at their share, but wrk's own duration runs on to -d: what counts is each thread's time from its first request
-- to its last answer.
local ffi = require("ffi")
ffi.cdef("struct timespec { long sec, nsec; }; int clock_gettime(int clock, struct timespec *now);")

local threads = {}

function setup(thread)
    thread:set("id", #threads)
    table.insert(threads, thread)
end

local moment = ffi.new("struct timespec")
local function now()
    ffi.C.clock_gettime(1, moment) -- CLOCK_MONOTONIC
    return tonumber(moment.sec) + tonumber(moment.nsec) / 1e9
end

function init()
    math.randomseed(os.time() * 1000 + id)
    run = string.format("%08x", math.random(0, 0xffffffff))
    limit = tonumber(os.getenv("ORDERS") or 2000) / tonumber(os.getenv("THREADS") or 2)
    sent, answered, refused, began, ended = 0, 0, 0, 0, 0
    body = '{"customerId":"67993c38-8059-4d8b-8567-1542560584ee","items":[' ..
        '{"sku":"SKU-1","quantity":33,"unitPrice":19.99},{"sku":"SKU-2","quantity":14.50,"unitPrice":25}],' ..
        '"currency":"USD","shippingAddress":{"country":"USA","city":"Austin","addressLine1":"Lincoln, 65"}}'
end

function request()
    if sent == 0 then
        began = now()
    end
    sent = sent + 1
    return wrk.format("POST", "/api/v1/orders/create", {
        ["Content-Type"] = "application/json",
        ["Idempotency-Key"] = string.format("%s-%d-%d", run, id, sent),
    }, body)
end

function response(status)
    answered = answered + 1
    ended = now()
    if status ~= 201 then
        refused = refused + 1
    end
    if answered >= limit then
        wrk.thread:stop()
    end
end

function done(summary, latency)
    local answered_all, refused_all, rate = 0, 0, 0
    for _, thread in ipairs(threads) do
        local answers = thread:get("answered")
        answered_all = answered_all + answers
        refused_all = refused_all + thread:get("refused")
        if answers > 0 then
            rate = rate + answers / (thread:get("ended") - thread:get("began"))
        end
    end
    io.write(string.format("orders: %d answered, %d not 201, %.0f/s, p50 %.1f ms, p99 %.1f ms\n", answered_all, refused_all,
        rate, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

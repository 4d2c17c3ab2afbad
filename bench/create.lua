-- wrk script: creates orders, each with a key of its own, until ORDERS of them (default 2000) are answered over all threads.
--   ORDERS=2000 wrk -t2 -c64 -d60 -s bench/create.lua http://127.0.0.1:3001
local threads = {}
local thread_count = 0

function setup(thread)
    thread:set("id", thread_count)
    thread_count = thread_count + 1
    threads[thread_count] = thread
end

function init()
    math.randomseed(os.time() * 1000 + id)
    run = string.format("%08x", math.random(0, 0xffffffff))
    limit = tonumber(os.getenv("ORDERS") or 2000) / tonumber(os.getenv("THREADS") or 2)
    sent, answered, refused = 0, 0, 0
    body = '{"customerId":"67993c38-8059-4d8b-8567-1542560584ee","items":[' ..
        '{"sku":"SKU-1","quantity":33,"unitPrice":19.99},{"sku":"SKU-2","quantity":14.50,"unitPrice":25}],' ..
        '"currency":"USD","shippingAddress":{"country":"USA","city":"Austin","addressLine1":"Lincoln, 65"}}'
end

function request()
    sent = sent + 1
    return wrk.format("POST", "/api/v1/orders/create", {
        ["Content-Type"] = "application/json",
        ["Idempotency-Key"] = string.format("%s-%d-%d", run, id, sent),
    }, body)
end

function response(status)
    answered = answered + 1
    if status ~= 201 then
        refused = refused + 1
    end
    if answered >= limit then
        wrk.thread:stop()
    end
end

function done(summary, latency)
    local answered_all, refused_all = 0, 0
    for _, thread in ipairs(threads) do
        answered_all = answered_all + thread:get("answered")
        refused_all = refused_all + thread:get("refused")
    end
    io.write(string.format("orders: %d answered, %d not 201, %.0f/s, p50 %.1f ms, p99 %.1f ms\n", answered_all, refused_all,
        summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

-- Posts interactions with a source id that was never there before; counts the answers by status.
local token, run, people = os.getenv("BENCH_KEY"), os.getenv("BENCH_RUN"), tonumber(os.getenv("BENCH_PEOPLE") or "1000")
local number, threads = 0, {}
good, bad = 0, 0  -- global, so that done() can ask for them
local words = string.rep("Where is my parcel? It should have been here on Monday. ", 5)

function setup(thread) table.insert(threads, thread) end

function init(args)
  good, bad = 0, 0
  wrk.method = "POST"
  wrk.path = "/v1/interactions"
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. token
end

function request()
  number = number + 1
  local person = (number * 7919) % people
  local body = string.format(
    '{"account":"inbox","source_id":"%s-%d","kind":"message","direction":"inbound","occurred_at":"2026-03-%02dT%02d:%02d:%02dZ",' ..
    '"subject":"A question","text":"%s","parties":[{"role":"author","handle":"email:person%d@example.org","name":"Ann Archer","standing":"verified"}]}',
    run, number, 1 + number % 28, number % 24, number % 60, (number * 7) % 60, words, person)
  return wrk.format(nil, nil, nil, body)
end

function response(status) if status == 201 then good = good + 1 else bad = bad + 1 end end

function done(summary, latency, requests)
  local acknowledged, refused = 0, 0
  for _, thread in ipairs(threads) do
    acknowledged, refused = acknowledged + thread:get("good"), refused + thread:get("bad")
  end
  io.write(string.format('\nRESULT {"acknowledged":%d,"refused":%d,"seconds":%f,"p50":%f,"p99":%f}\n',
    acknowledged, refused, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

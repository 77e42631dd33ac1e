-- Reads pages, in turn from a file with one path a line; counts the answers that are no 200.
local token, paths, at, threads = os.getenv("BENCH_KEY"), {}, 0, {}
bad = 0  -- global, so that done() can ask for it

function setup(thread) table.insert(threads, thread) end

function init(args)
  for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
  wrk.headers["Authorization"] = "Bearer " .. token
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

function response(status) if status ~= 200 then bad = bad + 1 end end

function done(summary, latency, requests)
  local refused = 0
  for _, thread in ipairs(threads) do refused = refused + thread:get("bad") end
  io.write(string.format('\nRESULT {"acknowledged":%d,"refused":%d,"seconds":%f,"p50":%f,"p99":%f}\n',
    summary.requests - refused, refused, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

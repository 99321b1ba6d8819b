-- For wrk: sends the signed deliveries of a file, each once, and says how it went as one line of JSON.
local requests, next_one = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local timestamp, signature, body = line:match("^(%d+)\t(%S+)\t(.*)$")
    local headers = {
      ["Content-Type"] = "application/json",
      ["X-Frameio-Request-Timestamp"] = timestamp,
      ["X-Frameio-Signature"] = signature,
    }
    requests[#requests + 1] = wrk.format("POST", "/webhooks/frameio", headers, body)
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local bad = summary.errors
  io.write(string.format(
    '\n{"answers":%d,"seconds":%.3f,"refused":%d,"broken":%d,"p50":%.3f,"p99":%.3f}\n',
    summary.requests, summary.duration / 1e6, bad.status,
    bad.connect + bad.read + bad.write + bad.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end

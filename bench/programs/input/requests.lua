-- bench/programs/input/requests.lua COUNT PATH... - for wrk with one thread: asks for the paths in
-- turn and ends after COUNT answers, then prints how many were bad.
local ffi = require("ffi")
ffi.cdef("int kill(int pid, int signal); int getpid(void);")

local SIGINT = 2
local wanted, requests, sent
answers, bad = 0, 0

function setup(thread)
    counted = thread
end

function init(words)
    wanted, requests, sent = tonumber(words[1]), {}, 0
    for place = 2, #words do
        requests[#requests + 1] = wrk.format("GET", words[place])
        requests[#requests + 1] = wrk.format("GET", words[place], { ["Accept-Encoding"] = "gzip" })
    end
end

function request()
    sent = sent + 1
    return requests[sent % #requests + 1]
end

-- wrk itself sleeps until its time is over or a signal comes.
function response(status, headers, body)
    answers = answers + 1
    if status ~= 200 then
        bad = bad + 1
    end
    if answers == wanted then
        wrk.thread:stop()
        ffi.C.kill(ffi.C.getpid(), SIGINT)
    end
end

function done(summary, latency, requests)
    local errors = summary.errors
    local lost = errors.connect + errors.write + errors.timeout + errors.status
    print("answers " .. counted:get("answers"))
    print("bad " .. counted:get("bad") + lost)
end

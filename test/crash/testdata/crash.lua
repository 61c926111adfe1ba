-- Each job writes its number into the ledger when it begins and when it ends: what stands there has happened.
local ledger, round = os.getenv("LEDGER"), os.getenv("ROUND")

local function note(what, job)
    local line = table.concat({ what, round, job.queue, job.data.kind, job.data.number, job.key or "-", job.id, job.attempt,
        string.format("%.6f", job.data.waited or 0) }, " ") .. "\n"
    local file = assert(io.open(ledger, "a"))
    assert(file:write(line))
    assert(file:close()) -- one write of the whole line
end

async.handler("work", function(job)
    local now = core.now()
    job.data.waited = now.sec + now.usec / 1e6 - job.pushed
    note("begin", job)
    if job.data.number % 3 > 0 then
        core.msleep(job.data.number % 9) -- often somebody works when the process dies
    end
    if job.data.kind == "retried" and job.attempt < 3 then
        note("fail", job)
        error("not yet")
    end
    note("end", job)
end)

core.register_service("push", "http", function(applet)
    local queue, kind, number, key = applet.path:match("^/(%w+)/(%w+)/(%d+)/(%w*)$")
    local id, why = async.queue(queue):push {
        handler = "work",
        data = { kind = kind, number = tonumber(number) },
        key = key ~= "" and key or nil,
        delay = kind == "delayed" and 0.5 or nil,
    }
    local text = id or why
    applet:set_status(id and 200 or 503)
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
end)

local ledger = os.getenv("LEDGER")

local function note(job)
    local file = assert(io.open(ledger, "a"))
    assert(file:write(job.queue .. " " .. job.data.number .. "\n"))
    assert(file:close())
end

-- hold is a handler that is still there when the process dies.
async.handler("hold", function(job)
    if os.getenv("HOLD") then
        core.sleep(3600)
    end
    note(job)
end)

async.handler("note", note)

core.register_service("push", "http", function(applet)
    local queue, handler, number, size = applet.path:match("^/push/(%w+)/(%w+)/(%d+)/(%d+)$")
    local id, why = async.queue(queue):push {
        handler = handler,
        timeout = 3600,
        data = { number = tonumber(number), ballast = ("x"):rep(tonumber(size)) },
    }
    local text = id or why
    applet:set_status(id and 200 or 503)
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
end)

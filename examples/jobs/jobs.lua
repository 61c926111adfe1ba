-- Jobs: named handlers, a push that is safe when it returns, a result that comes back, a function that travels, programs
-- and webhooks.

local mail = { server = "127.0.0.1", port = tonumber(os.getenv("SMTP_PORT") or 2525) }

-- A handler runs in a worker, with a Lua state of its own, for as long as it needs. An error is an attempt that failed.
async.handler("receipt", function(job)
    local order = job.data
    local text = "From: shop@eddy.example\r\nTo: " .. order.to .. "\r\nSubject: order " .. order.number .. "\r\n\r\nThank you.\r\n"
    return smtp_send_email(mail.server, mail.port, "eddy.example", "shop@eddy.example", order.to, text)
end)

-- Who takes the result, also when eddy was started again in between.
async.onerror("receipt_failed", function(job, message)
    core.Warning("order " .. job.data.number .. ": no receipt after " .. job.attempt .. " attempts: " .. message)
end)

local function answer(applet, status, text)
    applet:set_status(status)
    applet:add_header("content-type", "text/plain")
    applet:add_header("content-length", #text)
    applet:start_response()
    applet:send(text)
end

core.register_service("order", "http", function(applet)
    local number = applet.path:match("(%d+)$")
    if not number then
        return answer(applet, 400, "an order has a number: /order/42\n")
    end
    local id, why = async.queue("email"):push {
        handler = "receipt",
        data = { number = number, to = "you@eddy.example" },
        key = "customer-7",            -- mails to one customer leave one at a time, in order
        unique = "order-" .. number,   -- asked twice within the hour, mailed once
        priority = 1,
        onerror = "receipt_failed",
    }
    if not id then
        return answer(applet, 503, why .. "\n")
    end
    answer(applet, 202, "job " .. id .. (why and " (" .. why .. ")" or "") .. "\n")
end)

-- A result that the request waits for: the request is parked, nothing else is.
async.handler("sum", function(job)
    local sum = 0
    for i = 1, job.data do
        sum = sum + i
    end
    return sum
end)

core.register_service("sum", "http", function(applet)
    local n = tonumber(applet.path:match("(%d+)$")) or 0
    -- No retries: nobody waits for what a further attempt would find.
    local result, err = async.await(async.queue():push { handler = "sum", data = n, timeout = 2, retries = 0 }, 2.0)
    answer(applet, result and 200 or 504, tostring(result or err) .. "\n")
end)

-- A function in place of a name: it travels with what it has captured, and survives in a disk queue, sealed.
core.register_service("later", "http", function(applet)
    local seconds, path = tonumber(applet.path:match("(%d+)$")) or 1, applet.path
    local id, why = async.queue("email"):push {
        handler = function(job)
            core.log(core.notice, path .. " was asked for " .. seconds .. " s ago")
        end,
        delay = seconds,
        retries = 0,
    }
    answer(applet, id and 202 or 503, (id and "job " .. id or why) .. "\n")
end)

-- Handlers that need no Lua. exec starts a program with a list of arguments; no shell ever sees them.
core.register_service("thumbnail", "http", function(applet)
    local image = applet.path:match("^/thumbnail/([%w_-]+%.png)$")
    if not image then
        return answer(applet, 400, "an image has a name: /thumbnail/cat.png\n")
    end
    local id, why = async.queue("thumbnails"):push {
        handler = "exec",
        data = { "convert", "uploads/" .. image, "-resize", "100x100", "thumbnails/" .. image },
    }
    answer(applet, id and 202 or 503, (id and "job " .. id or why) .. "\n")
end)

-- http is a webhook: tried again until its receiver answers with 2xx.
core.register_service("paid", "http", function(applet)
    local number = applet.path:match("(%d+)$") or "0"
    local id, why = async.queue("email"):push {
        handler = "http",
        data = { url = os.getenv("WEBHOOK") or "http://127.0.0.1:10081/paid", method = "POST", body = "order=" .. number },
        key = "order-" .. number,
    }
    answer(applet, id and 202 or 503, (id and "job " .. id or why) .. "\n")
end)

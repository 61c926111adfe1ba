-- The action hands the request over and returns: the client never waits for the mail server.
-- The task takes what was handed over and sends it, one mail after another, however long each takes.

require("fifo") -- built into eddy

local outbox = Fifo.new()

local mail = {
    server = "127.0.0.1",
    port = tonumber(os.getenv("SMTP_PORT") or 2525),
    domain = "eddy.example",
    from = "eddy@eddy.example",
    to = "you@eddy.example",
}

core.register_action("mail_this", { "http-req" }, function(txn)
    outbox:push({ method = txn.f:method(), path = txn.f:path(), request = txn.req:dup() })
end)

local function compose(item)
    return table.concat({
        "From: eddy <" .. mail.from .. ">",
        "To: <" .. mail.to .. ">",
        "Date: " .. os.date("!%a, %d %b %Y %H:%M:%S +0000"),
        "Subject: " .. item.method .. " " .. item.path,
        "",
        "This request was received:",
        "",
        item.request,
    }, "\r\n")
end

core.register_task(function()
    while true do
        local item = outbox:pop()
        if item == nil then
            core.msleep(200)
        else
            local ok, reason = smtp_send_email(mail.server, mail.port, mail.domain, mail.from, mail.to, compose(item))
            if not ok then
                core.Warning("a mail could not be sent: " .. reason)
            end
        end
    end
end)

-- Waits for whole lines in content rules, and for bytes with a time limit in an applet.
core.register_action("first_line", { "tcp-req" }, function(txn)
	local line = txn.req:line(0, -1)
	txn:set_var("txn.line", line)
end)

core.register_service("patient", "tcp", function(applet)
	local none = applet:receive(5, 50)
	applet:send("nothing yet: " .. tostring(none) .. "\n")
	local some = applet:receive(5, 5000)
	applet:send("then: " .. tostring(some) .. "\n")
end)

-- Each of these would hold up everybody in a proxy that runs scripts inline.
local bad = {
	["/loop"] = function() while true do end end,
	["/pcall"] = function() while true do pcall(function() while true do end end) end end,
	["/rep"] = function() return #string.rep("xx", 2 ^ 29) end,
	["/pattern"] = function() return (("a"):rep(5000)):find((".-"):rep(20) .. "b") end,
	["/sort"] = function() table.sort({ 3, 2, 1 }, function() while true do pcall(error) end end) end,
	["/coroutine"] = function()
		local co = coroutine.wrap(function() while true do end end)
		while true do pcall(co) end
	end,
}

core.register_action("bad", { "http-req" }, function(txn)
	bad[txn.f:path()]()
	txn:set_var("txn.survived", "yes")
end)

core.register_action("good", { "http-req" }, function(txn)
	local sum = 0
	for i = 1, 100 do sum = sum + i end
	txn:set_var("txn.sum", sum)
end)

core.register_action("sleep", { "http-req" }, function()
	core.sleep(5)
end)

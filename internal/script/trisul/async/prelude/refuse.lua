-- refuse: T.async where it can't be used.
local P = ...

local error = error
local why = P.async_why()
T.async = {}
for _, name in ipairs({ "schedule", "copy", "cp", "cat", "rm", "copybuffer", "pending_items" }) do
	T.async[name] = function()
		error("T.async." .. name .. ": " .. why, 2)
	end
end

-- async: T.async. Its functions can be called with ':' and with '.'.
local P = ...

local error, type = error, type
local A = {}
T.async = A

local function either(f)
	return function(self, ...)
		if self == A then
			return f(...)
		end
		return f(self, ...)
	end
end

A.copy, A.cat, A.rm, A.pending_items = either(P.async_copy), either(P.async_cat), either(P.async_rm), either(P.async_pending)
A.cp = A.copy -- as one page of the documentation calls it

local schedule, put, Buffer, getmetatable = P.async_schedule, P.async_buffer, P.Buffer, P.debug.getmetatable

A.schedule = either(function(block)
	if type(block) ~= "table" then
		error("T.async:schedule: a table with data, onexecute and onresult is needed, not a " .. type(block), 2)
	end
	local execute, result = block.onexecute, block.onresult
	if type(execute) ~= "function" then
		error("T.async:schedule: onexecute must be a function, not a " .. type(execute), 2)
	end
	if result ~= nil and type(result) ~= "function" then
		error("T.async:schedule: onresult must be a function, not a " .. type(result), 2)
	end
	return schedule(block.data == nil and "" or block.data, execute, result)
end)

A.copybuffer = either(function(buffer, file, position)
	if type(buffer) ~= "table" or getmetatable(buffer) ~= Buffer then
		error("T.async:copybuffer: argument 1 must be a Buffer, not a " .. type(buffer), 2)
	end
	return put(buffer[1], buffer[2], file, position)
end)

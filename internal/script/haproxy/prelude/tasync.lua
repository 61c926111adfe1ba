-- tasync: T.async, as plugins know it, on the queue "default". Its functions can be called with ':' and with '.'.
local P = ...

local error, ipairs, pairs, type = error, ipairs, pairs, type
local A = {}
T = { async = A }

local number_of, push, field, abs = P.async_queue, P.async_push, P.async_field, P.async_abs

local function either(f)
	return function(self, ...)
		if self == A then
			return f(...)
		end
		return f(self, ...)
	end
end

-- answer turns what push gives into what T.async's functions give.
local function answer(id, why)
	if id then
		return true, id
	end
	return false, why
end

local function files(handler, what)
	return either(function(from, to)
		for i, name in ipairs({ from, to }) do
			if type(name) ~= "string" then
				error("T.async:" .. what .. ": argument " .. i .. " must be the name of a file, not a " .. type(name), 2)
			end
		end
		if from == nil or to == nil and what ~= "rm" then
			error("T.async:" .. what .. ": the name of a file is missing", 2)
		end
		from, to = abs(from), to and abs(to)
		local data = to and { from = from, to = to } or { file = from }
		return answer(push(number_of("default"), handler, data, to or from))
	end)
end

A.copy, A.cat, A.rm = files("copy", "copy"), files("cat", "cat"), files("rm", "rm")
A.cp = A.copy

local known = {
	data = true, onexecute = true, handler = true, onresult = true, onerror = true, queue = true, key = true, delay = true,
	priority = true, unique = true, retries = true, timeout = true,
}

A.schedule = either(function(block)
	if type(block) ~= "table" then
		error("T.async:schedule: a table with data, onexecute and onresult is needed, not a " .. type(block), 2)
	end
	for k in pairs(block) do
		if not known[k] then
			field(k, "onexecute")
		end
	end
	local execute, handler, result = block.onexecute, block.handler, block.onresult
	if type(execute) ~= "function" and (execute ~= nil or handler == nil) then
		error("T.async:schedule: onexecute must be a function, not a " .. type(execute), 2)
	end
	if execute then
		if handler ~= nil then
			error("T.async:schedule: onexecute or a handler, not both", 2)
		end
		handler = function(job) return (execute(job.data)) end
	end
	if type(result) == "function" then
		local take = result
		result = function(job, response)
			if response ~= nil then
				return take(job.data, response)
			end
		end
	end
	local retries = block.retries
	if retries == nil and execute then
		retries = 0 -- a function that was not written for a second attempt
	end
	return answer(push(number_of(block.queue or "default"), handler, block.data, block.key, block.delay, block.priority,
		block.unique, retries, block.timeout, result, block.onerror))
end)

A.pending_items = either(function() return P.async_size(number_of("default")) end)

function A.copybuffer()
	error("T.async:copybuffer: there are no packets' buffers here; push a job with the bytes as its data", 2)
end

-- async: T.async. Its functions can be called with ':' and with '.'.
local P = ...

local error, next, type, async = error, next, type, async
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

-- What makes a block a job of a queue; onresult does so too when it is a name.
local fields = {
	queue = true, handler = true, key = true, delay = true, priority = true, unique = true, retries = true, timeout = true,
	onerror = true,
}

local function is_job(block)
	for k in next, block do
		if fields[k] then
			return true
		end
	end
	return type(block.onresult) == "string"
end

-- back makes what takes a job's end of an onresult or onerror, which gets the engine and the data in front.
local function back(f, name, data)
	if type(f) ~= "function" then
		if f ~= nil and type(f) ~= "string" then
			error("T.async:schedule: " .. name .. " must be a function or a name, not a " .. type(f), 3)
		end
		return f
	end
	return function(_, result, engine)
		if result ~= nil then
			return f(engine, data, result)
		end
	end
end

-- job pushes a block: true and its id, or false and the reason.
local function job(block)
	if not async then
		error("T.async:schedule: there are no queues here", 2)
	end
	local data, handler, execute = block.data == nil and "" or block.data, block.handler, block.onexecute
	if handler == nil then
		if type(execute) ~= "function" then
			error("T.async:schedule: onexecute must be a function, or handler a name, not a " .. type(execute), 2)
		end
		handler = function(job) return execute(job.data) end
	elseif execute ~= nil then
		error("T.async:schedule: there is a handler already, what is onexecute for?", 2)
	end
	local id, why = async.queue(block.queue):push {
		handler = handler, data = data, key = block.key, delay = block.delay, priority = block.priority, unique = block.unique,
		retries = block.retries, timeout = block.timeout,
		onresult = back(block.onresult, "onresult", data), onerror = back(block.onerror, "onerror", data),
	}
	if id then
		return true, id, why
	end
	return false, why
end

A.schedule = either(function(block)
	if type(block) ~= "table" then
		error("T.async:schedule: a table with data, onexecute and onresult is needed, not a " .. type(block), 2)
	end
	if is_job(block) then
		return job(block)
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

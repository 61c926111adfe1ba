-- async: jobs for the off path. A queue is a table whose [0] is its number at the desk.
local P = ...

local error, next, setmetatable, type = error, next, setmetatable, type
local number_of, push, field = P.async_queue, P.async_push, P.async_field

async = {
	handler = P.async_handler,
	onresult = P.async_onresult,
	onerror = P.async_onerror,
	await = P.async_await,
	give_up = P.async_give_up,
}

local Queue = {}
local mt = { __name = "async queue", __index = Queue, __travel = false }
mt.__tostring = function(self) return "async queue " .. self.name end
local queues = {}

function async.queue(name)
	if name == nil then
		name = "default"
	end
	local q = queues[name]
	if not q then
		q = setmetatable({ [0] = number_of(name), name = name }, mt)
		queues[name] = q
	end
	return q
end

-- The fields of a job, in the order of async_push's arguments.
local names = { "handler", "data", "key", "delay", "priority", "unique", "retries", "timeout", "onresult", "onerror" }
local known = {}
for _, name in ipairs(names) do
	known[name] = true
end

-- The function is for whatever P.fields does not take: mistakes, and jobs with a metatable.
Queue.push = P.fields(push, names, function(self, job)
	if type(job) ~= "table" then
		local how = job == nil and type(self) == "table" and "; write q:push{...}, with a colon" or ""
		error("push: a job is a table such as {handler = \"name\", data = ...}, not a " .. type(job) .. how, 3)
	end
	for k in next, job do
		if not known[k] then
			field(k)
		end
	end
	return push(self[0], job.handler, job.data, job.key, job.delay, job.priority, job.unique, job.retries, job.timeout,
		job.onresult, job.onerror)
end)

local size, stats = P.async_size, P.async_stats
function Queue:size() return size(self[0]) end
function Queue:stats() return stats(self[0]) end

-- queue: the Queue class, core.queue(). The items are kept in Go, whose functions are never interrupted half-way.
local P = ...

local setmetatable = setmetatable

local Q = {}
local mt = P.class("Queue", Q)

function core.queue()
	return setmetatable({ [0] = P.queue_new() }, mt)
end

function Q:size() return P.queue_size(self[0]) end
function Q:push(item) return P.queue_push(self[0], item) end
function Q:pop() return P.queue_pop(self[0]) end
function Q:alarm() return P.queue_alarm(self[0]) end

function Q:pop_wait()
	local q = self[0]
	local item = P.queue_pop(q)
	while item == nil do
		P.queue_wait(q)
		item = P.queue_pop(q)
	end
	return item
end

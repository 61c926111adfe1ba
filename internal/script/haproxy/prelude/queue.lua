-- queue: the Queue class, core.queue(). The items stay in Lua; Go only wakes who waits.
local P = ...

local error, setmetatable = error, setmetatable

local Q = {}
local mt = P.class("Queue", Q)

-- Fields: first and last delimit the items, waited says that somebody may be waiting.
function core.queue()
	return setmetatable({ [0] = P.queue_new(), items = {}, first = 1, last = 0 }, mt)
end

function Q:size()
	return self.last - self.first + 1
end

function Q:push(item)
	if item == nil then
		error("queue:push: nil cannot be pushed; push false or a table", 2)
	end
	local last = self.last + 1
	self.items[last] = item
	self.last = last
	if self.waited then
		self.waited = false
		P.queue_wake(self[0])
	end
	return true
end

local function pop(self)
	local first = self.first
	if first > self.last then
		return nil
	end
	local item = self.items[first]
	self.items[first] = nil
	if first == self.last then
		self.first, self.last = 1, 0
	else
		self.first = first + 1
	end
	return item
end
Q.pop = pop

function Q:pop_wait()
	while self.first > self.last do
		self.waited = true
		P.queue_wait(self[0])
	end
	return pop(self)
end

function Q:alarm()
	self.waited = true
	return P.queue_alarm(self[0])
end

-- modules: what require() finds when the user has no file of that name.
local P = ...

-- fifo: an ordered hand-over between functions of one state.
local function fifo()
	local Queue = {}
	Queue.__index = Queue

	function Queue:push(data)
		if data == nil then
			error("fifo:push: nil cannot be pushed", 2)
		end
		self.last = self.last + 1
		self.data[self.last] = data
	end

	function Queue:pop()
		if self.first > self.last then
			return nil
		end
		local data = self.data[self.first]
		self.data[self.first] = nil
		self.first = self.first + 1
		if self.first > self.last then
			self.first, self.last = 1, 0
		end
		return data
	end

	function Queue:size()
		return self.last - self.first + 1
	end

	Fifo = { meta = Queue }
	function Fifo.new()
		return setmetatable({ data = {}, first = 1, last = 0 }, Queue)
	end
	return Fifo
end

local built_in = { fifo = fifo }

-- Last in the list: files on package.path, ./?.lua among them, win.
if package and package.searchers then
	table.insert(package.searchers, function(name)
		local load_it = built_in[name]
		if load_it then
			return load_it, "(built in)"
		end
		return "no built-in module '" .. tostring(name) .. "'"
	end)
end

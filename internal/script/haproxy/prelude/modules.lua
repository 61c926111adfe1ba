-- modules: what require() finds when the user has no file of that name.
local P = ...

-- fifo: an ordered hand-over between functions of one state, with the interface of the script of that name.
local function fifo()
	local Queue = {}
	Queue.__index = Queue
	function Queue:push(data) return P.queue_push(self[0], data) end
	function Queue:pop() return P.queue_pop(self[0]) end
	function Queue:size() return P.queue_size(self[0]) end

	Fifo = { meta = Queue }
	function Fifo.new()
		return setmetatable({ [0] = P.queue_new() }, Queue)
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
	end)
end

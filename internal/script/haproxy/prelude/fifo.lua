-- fifo: an ordered hand-over between functions of one state, with the interface of the script of that name. With
-- tune.lua.fifo disk its items are on the disk, and it is this module that require("fifo") gives, whatever files there are.
local P = ...

local error, setmetatable = error, setmetatable

local Queue = {}
Queue.__index = Queue
local Disk = {}
Disk.__index = Disk
Queue.__travel, Disk.__travel = false, false
Queue.__name, Disk.__name = "a Fifo", "a Fifo"

function Queue:push(data) return P.queue_push(self[0], data) end
function Queue:pop() return P.queue_pop(self[0]) end
function Queue:size() return P.queue_size(self[0]) end

local push, pop, size = P.fifo_push, P.fifo_pop, P.fifo_size
function Disk:push(data) return push(self[0], data) end
function Disk:pop() return pop(self[0]) end
function Disk:size() return size(self[0]) end

function P.fifo_module()
	Fifo = { meta = Queue }
	function Fifo.new()
		return setmetatable({ [0] = P.queue_new() }, Queue)
	end
	if P.fifo_on_disk() then
		Fifo.meta = Disk
		function Fifo.new()
			return setmetatable({ [0] = P.fifo_new() }, Disk)
		end
	end
	return Fifo
end

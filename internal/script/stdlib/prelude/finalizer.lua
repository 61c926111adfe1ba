-- Finalizers: Lua calls __gc with hooks off, where nothing could stop a runaway one and no call into Go is safe. So an
-- object never gets its class's __gc. A sentinel that dies with the object does: it puts the object into a queue, and
-- the finalizer runs later, in a coroutine with limits (Library.Drain).
local P = ...
local pcall, rawget, raw, tostring, type = pcall, rawget, setmetatable, tostring, type
local getmetatable = P.debug.getmetatable

local most = 1000 -- in the queue; the rest waits with the collector
local queue, first, last = {}, 1, 0

-- The sentinel of an object lives as long as its key here. Its field refers to the object, which that does not keep
-- alive, but which brings the object back for the queue when both have died.
local sentinels = raw({}, { __mode = "k" })

local sentinel = {}
function sentinel.__gc(s)
	if last - first + 1 < most then
		last = last + 1
		queue[last] = s[1]
	else
		raw(s, sentinel) -- again at the next collection
	end
end

setmetatable = P.class_setter(function(o)
	local s = sentinels[o]
	if not s then
		s = { o }
		sentinels[o] = s
	end
	raw(s, sentinel)
end)

if debug then
	local set, raw_set = setmetatable, P.debug.setmetatable
	function debug.setmetatable(o, mt)
		if type(o) == "table" and type(mt) == "table" and rawget(mt, "__gc") ~= nil then
			raw_set(o, nil) -- here a protected one may be changed
			return set(o, mt)
		end
		return raw_set(o, mt)
	end
end

-- drain runs some of what is queued.
P.std_drain(function()
	for _ = 1, 100 do
		if first > last then
			return
		end
		local o = queue[first]
		queue[first] = nil
		first = first + 1 -- both only grow: a sentinel may add to the queue at any point
		P.std_finalizing()
		local mt = getmetatable(o)
		local gc = mt and rawget(mt, "__gc")
		if type(gc) == "function" then
			local ok, err = pcall(gc, o)
			if not ok then
				P.std_warn("error in a finalizer (__gc): " .. tostring(err))
			end
		end
	end
end)

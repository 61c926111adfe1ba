-- channel: the Channel class, txn.req and txn.res.
--
-- In mode http a channel can be read (the message as it was received) and not written; Go says so.
local P = ...

local view = P.view
local RAW = P.SPAN_RAW
local more = P.chan_more

-- fill waits until what a read asks for is there: more answers with true as long as there was something to wait for,
-- and with a second true when nothing further can come.
local function fill(handle, dir, what, offset, length)
	repeat
		local waited, over = more(handle, dir, what, offset, length)
	until not waited or over
end

local function channel(name, dir)
	local m = {}
	local data, dup, line = P.chan_data, P.chan_dup, P.chan_line
	local insert, set, remove = P.chan_insert, P.chan_set, P.chan_remove
	local input, output = P.chan_input, P.chan_output

	-- The request of mode http without a body is at hand without leaving Lua.
	function m:dup()
		local h = self[0]
		return dir == 0 and view(h, RAW) or dup(h, dir)
	end
	function m:data(offset, length)
		if length then
			fill(self[0], dir, "data", offset, length)
		end
		return data(self[0], dir, offset, length)
	end
	function m:line(offset, length)
		if length then
			fill(self[0], dir, "line", offset, length)
		end
		return line(self[0], dir, offset, length)
	end
	function m:get() return P.chan_get(self[0], dir) end
	function m:getline()
		fill(self[0], dir, "getline")
		return P.chan_getline(self[0], dir)
	end

	function m:append(str) return insert(self[0], dir, str, nil, true) end
	function m:prepend(str) return insert(self[0], dir, str, 0) end
	function m:insert(str, offset) return insert(self[0], dir, str, offset) end
	-- set(str, offset, length) replaces a part; with the string alone, all of it.
	function m:set(str, offset, length) return set(self[0], dir, str, offset, length) end
	function m:remove(offset, length) return remove(self[0], dir, offset, length) end
	function m:send(str) return P.chan_send(self[0], dir, str) end
	function m:forward(length)
		fill(self[0], dir, "data", 0, length)
		return P.chan_forward(self[0], dir, length)
	end

	function m:input() return input(self[0], dir) end
	function m:output() return output(self[0], dir) end
	m.length, m.get_in_len, m.get_out_len = m.input, m.input, m.output
	function m:is_full() return P.chan_is_full(self[0], dir) end
	function m:is_resp() return dir == 1 end
	function m:may_recv() return P.chan_may_recv(self[0], dir) end

	P.class(name, m).__tostring = function() return "HAProxy class Channel" end
end
channel("ReqChannel", 0)
channel("ResChannel", 1)

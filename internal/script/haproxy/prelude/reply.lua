-- reply: the Reply class, an answer that an action builds for txn:done().
local P = ...

local error, setmetatable, tostring, type = error, setmetatable, tostring, type

local R = {}
local mt = P.class("Reply", R)

function R:set_status(status, reason)
	self.status = status
	self.reason = reason or P.http_reason(status)
end

function R:add_header(name, value)
	local values = self.headers[name]
	if type(values) == "table" then
		values[#values + 1] = tostring(value)
	elseif values ~= nil then
		self.headers[name] = { values, tostring(value) }
	else
		self.headers[name] = { tostring(value) }
	end
end

function R:del_header(name)
	self.headers[name] = nil
end

function R:set_body(body)
	self.body = body
end

-- reply makes a Reply from what a script gave: nil, or a table that fills some of the fields.
function P.reply(init)
	if init == nil then
		init = {}
	elseif type(init) ~= "table" then
		error("txn:reply: give a table such as {status = 403, body = \"no\"}, not a " .. type(init), 2)
	end
	local status = init.status or 200
	return setmetatable({
		status = status,
		reason = init.reason or P.http_reason(status),
		headers = init.headers or {},
		body = init.body or "",
	}, mt)
end

-- http: the HTTP class (txn.http) and the HTTPMessage class (txn.http_req, txn.http_res).
local P = ...

local lower, setmetatable = string.lower, setmetatable
local raw_headers = P.http_headers

-- headers makes the table that scripts know: values by lower-case name, counted from 0.
local function headers(handle, dir)
	local flat = { raw_headers(handle, dir) }
	local t = {}
	for i = 1, #flat, 2 do
		local name = lower(flat[i])
		local values = t[name]
		if values then
			values[#values + 1] = flat[i + 1]
		else
			t[name] = { [0] = flat[i + 1] }
		end
	end
	return t
end
P.headers = headers

local H = {}
P.class("HTTP", H)
for dir, prefix in pairs({ [0] = "req_", [1] = "res_" }) do
	H[prefix .. "get_headers"] = function(self) return headers(self[0], dir) end
	H[prefix .. "add_header"] = function(self, name, value) return P.http_add(self[0], dir, name, value) end
	H[prefix .. "del_header"] = function(self, name) return P.http_del(self[0], dir, name) end
	H[prefix .. "set_header"] = function(self, name, value) return P.http_set(self[0], dir, name, value) end
	H[prefix .. "rep_header"] = function(self, name, re, by) return P.http_rep(self[0], dir, name, re, by, false) end
	H[prefix .. "rep_value"] = function(self, name, re, by) return P.http_rep(self[0], dir, name, re, by, true) end
end
function H:req_set_method(v) return P.http_set_method(self[0], v) end
function H:req_set_path(v) return P.http_set_path(self[0], v) end
function H:req_set_query(v) return P.http_set_query(self[0], v) end
function H:req_set_uri(v) return P.http_set_uri(self[0], v) end
function H:res_set_status(code, reason) return P.http_set_status(self[0], code, reason) end

local function message(name, dir, channel)
	local m = {}
	function m:get_headers() return headers(self[0], dir) end
	function m:add_header(n, v) return P.http_add(self[0], dir, n, v) end
	function m:del_header(n) return P.http_del(self[0], dir, n) end
	function m:set_header(n, v) return P.http_set(self[0], dir, n, v) end
	function m:rep_header(n, re, by) return P.http_rep(self[0], dir, n, re, by, false) end
	function m:rep_value(n, re, by) return P.http_rep(self[0], dir, n, re, by, true) end
	function m:get_stline()
		local a, b, c = P.http_stline(self[0], dir)
		if dir == 0 then
			return { method = a, uri = b, version = c }
		end
		return { version = a, code = b, reason = c }
	end
	if dir == 0 then
		m.set_method, m.set_path, m.set_query, m.set_uri = H.req_set_method, H.req_set_path, H.req_set_query, H.req_set_uri
	else
		m.set_status = H.res_set_status
	end
	function m:is_resp() return dir == 1 end

	-- The body that is buffered.
	function m:body(offset, length) return P.msg_body(self[0], dir, offset, length) end
	function m:input() return P.msg_input(self[0], dir) end
	function m:output() return 0 end
	function m:eom() return P.msg_eom(self[0], dir) end
	function m:may_recv() return not P.msg_eom(self[0], dir) end
	function m:is_full() return P.chan_is_full(self[0], dir) end

	-- Changing a body is a filter's work.
	for _, f in ipairs({ "append", "prepend", "insert", "set", "remove", "send", "forward", "set_body_len", "set_eom", "unset_eom" }) do
		m[f] = P.later("HTTPMessage." .. f)
	end

	local mt = P.class(name, m)
	mt.__tostring = function() return "HAProxy class HTTPMessage" end
	P.attributes(mt, m, {
		channel = function(self) return setmetatable({ [0] = self[0] }, P[channel]) end,
	})
end
message("ReqMessage", 0, "ReqChannel")
message("ResMessage", 1, "ResChannel")

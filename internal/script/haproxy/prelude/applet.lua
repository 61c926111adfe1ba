-- applet: the AppletHTTP and AppletTCP classes, what services get as their argument (CLI functions get an AppletTCP).
local P = ...

local setmetatable = setmetatable

-- common are the methods that both classes have.
local function common(m)
	function m:get_priv() return P.priv_get(self[0]) end
	function m:set_priv(data) return P.priv_set(self[0], data) end
	function m:get_var(name) return P.var_get(self[0], name) end
	function m:set_var(name, value, ifexist) return P.var_set(self[0], name, value, ifexist) end
	function m:unset_var(name) return P.var_unset(self[0], name) end
	return m
end

local H = common({})
function H:set_status(code, reason) return P.applet_status(self[0], code, reason) end
function H:add_header(name, value) return P.applet_header(self[0], name, value) end
function H:start_response() return P.applet_start(self[0]) end
function H:send(msg) return P.applet_send(self[0], msg) end
function H:getline() return P.applet_getline(self[0]) end
function H:receive(size) return P.applet_receive(self[0], size) end

local view, attr = P.view, P.applet_attr
local function attribute(what, slot)
	return function(self)
		return slot and view(self[0], slot) or attr(self[0], what)
	end
end
P.attributes(P.class("AppletHTTP", H), H, P.samples({
	method = attribute("method", P.SPAN_METHOD),
	path = attribute("path", P.SPAN_PATH),
	version = attribute("version"),
	qs = attribute("qs"),
	length = attribute("length"),
	headers = function(self) return P.headers(self[0], 0) end,
}))

local T = common({})
function T:send(msg) return P.applet_send(self[0], msg) end
function T:getline() return P.applet_getline(self[0]) end
function T:receive(size, timeout) return P.applet_receive(self[0], size, timeout) end
function T:try_receive() return P.applet_try_receive(self[0]) end
P.attributes(P.class("AppletTCP", T), T, P.samples({}))

-- proxy: the Proxy, Server and Listener classes and core.proxies, core.frontends, core.backends.
--
-- [0] is a number that Go gave the proxy, server or listener; they live as long as the configuration.
local P = ...

local setmetatable = setmetatable

local L = {}
local listener_mt = P.class("Listener", L)
function L:get_stats() return P.listener_stats(self[0]) end

local S = {}
local server_mt = P.class("Server", S)
function S:get_name() return self.name end
function S:get_puid() return self.puid end
function S:get_rid() return 0 end
function S:get_stats() return P.server_stats(self[0]) end
function S:get_proxy() return P.proxy_object(P.server_proxy(self[0])) end
for _, what in ipairs({ "is_draining", "is_backup", "get_cur_sess", "get_pend_conn", "get_maxconn", "get_weight", "get_addr" }) do
	S[what] = function(self) return P.server_get(self[0], what) end
end
for _, what in ipairs({ "set_maxconn", "set_weight", "set_addr", "set_drain", "set_maint", "set_ready",
	"check_enable", "check_disable", "check_force_up", "check_force_nolb", "check_force_down" }) do
	S[what] = function(self, a, b) return P.server_set(self[0], what, a, b) end
end
function S:is_dynamic() return false end
function S:tracking() return nil end
function S:get_trackers() return {} end
for _, what in ipairs({ "shut_sess", "agent_enable", "agent_disable", "agent_force_up", "agent_force_down", "event_sub" }) do
	S[what] = P.later("Server." .. what)
end

local X = {}
local proxy_mt = P.class("Proxy", X)
function X:get_name() return self.name end
function X:get_uuid() return self.uuid end
function X:get_stats() return P.proxy_stats(self[0]) end
for _, what in ipairs({ "get_cap", "get_mode", "get_srv_act", "get_srv_bck", "get_capacity" }) do
	X[what] = function(self) return P.proxy_get(self[0], what) end
end
function X:get_mailers() return nil end
for _, what in ipairs({ "pause", "resume", "stop", "shut_bcksess" }) do
	X[what] = P.later("Proxy." .. what)
end

-- objects[i] is the one Proxy object for proxy i, made on demand.
local objects = {}
function P.proxy_object(i)
	if i == nil then
		return nil
	end
	local px = objects[i]
	if px then
		return px
	end
	local name, uuid, servers, listeners = P.proxy_parts(i)
	px = setmetatable({ [0] = i, name = name, uuid = uuid, servers = {}, listeners = {} }, proxy_mt)
	for _, s in ipairs(servers) do
		px.servers[s.name] = setmetatable({ [0] = s.id, name = s.name, puid = s.puid }, server_mt)
	end
	for _, l in ipairs(listeners) do
		px.listeners[l.name] = setmetatable({ [0] = l.id, name = l.name }, listener_mt)
	end
	objects[i] = px
	return px
end

-- directory lists the proxies that play a side, by name.
local function directory(side)
	local t = {}
	for _, i in ipairs(P.proxy_list(side)) do
		local px = P.proxy_object(i)
		t[px.name] = px
	end
	return t
end

-- The three tables are made when a script first asks after the configuration is known, and kept.
P.core_attributes.proxies = function() return directory("any") end
P.core_attributes.frontends = function() return directory("frontend") end
P.core_attributes.backends = function() return directory("backend") end

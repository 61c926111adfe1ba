-- engine: the Engine object, one for all hooks of a state. Its methods without results are emitters: they note what is
-- asked for, which is done when the hook is over.
local P = ...

local error, pairs, setmetatable, type = error, pairs, setmetatable, type

local mt, E = P.class("an Engine")
local engine = setmetatable({}, mt)

-- none is a method that metric hooks do not have.
local function none(name)
	return function()
		error("ERR_NOTAVAIL: " .. name .. "() is not available for backend scripts", 2)
	end
end

local emit, available = {}, {}
for code, m in pairs(P.engine_methods()) do
	local name, signature = m[1], m[2]
	available[name] = m[3]
	emit[name] = m[3] and P.emitter(code, name, signature) or none(name)
	E[name] = emit[name]
end

-- key takes a flow's id, or a FlowID object where a script gives one, or nothing.
local function key(flow)
	if type(flow) == "table" then
		return flow[1]
	end
	return flow or ""
end

-- flow_first makes methods take FlowID objects as their first argument.
local function flow_first(...)
	for _, name in pairs({ ... }) do
		local raw = emit[name]
		E[name] = available[name] and function(self, flow, ...) return raw(self, type(flow) == "table" and flow[1] or flow, ...) end
			or raw
	end
end
flow_first("add_flow_counter", "reset_flow_counter", "tag_flow", "update_flow", "new_flow_record", "set_flow_duration",
	"disable_reassembly", "add_flow_edges", "add_flow_attribute", "update_flow_raw", "terminate_flow")

local alert, full, resource = emit.add_alert, emit.add_alert_full, emit.add_resource
function E:add_alert(guid, flow, ...) return alert(self, guid, key(flow), ...) end
function E:add_alert_full(guid, flow, sigid, class, ...) return full(self, guid, key(flow), sigid, class or "", ...) end
function E:add_resource(guid, flow, ...) return resource(self, guid, key(flow), ...) end

-- Messages: with or without an id. One page of the documentation writes their names in another way.
for other, name in pairs({ postmessage_frontend = "post_message_frontend", postmessage_backend = "post_message_backend" }) do
	local raw = emit[name]
	E[name] = function(self, id, text)
		if text == nil then
			id, text = "", id
		end
		return raw(self, id or "", text)
	end
	E[other] = E[name]
end

E.timestamp = function() return P.engine_timestamp() end
E.instanceid = function() return P.engine_instance() end
E.id = E.instanceid -- as the page "Script selector" calls it
E.probeid = function() return P.engine_probe() end

-- The packet's own wish is the engine's business.
P.store_packet = emit.set_packetstore_policy
E.set_packetstore_policy = nil

-- What T.host needs an engine for.
function T.host:createkey(guid, k, label) return emit.update_key_info(engine, guid, k, label) end
function T.host:broadcast(id, _, text)
	emit.post_message_frontend(engine, id, text)
	emit.post_message_backend(engine, id, text)
end

P.engine = engine

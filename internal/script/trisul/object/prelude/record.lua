-- record: what metric hooks are given: flows, alerts, resources, documents. The objects are copies: [1] is the handle,
-- for what changes the record itself, and the values stand behind it in the order in which Go gives them.
local P = ...

local ipairs, setmetatable = ipairs, setmetatable

-- getters gives a class a method for each value from place `from` on.
local function getters(methods, from, names)
	for i, name in ipairs(names) do
		local place = from + i - 1
		methods[name] = function(self) return self[place] end
	end
end

-- setter makes a method that changes the record, and the copy.
local function setter(change, field, place)
	return function(self, value)
		change(self[1], field, value)
		self[place] = value
	end
end

-- Flow: the session of sg_monitor and flow_tracker.
local flow_mt, F = P.class("a Flow")
getters(F, 5, {
	"state", "az_bytes", "za_bytes", "az_packets", "za_packets", "az_payload_bytes", "za_payload_bytes", "tags", "setup_rtt",
	"retransmissions",
})
function F:key() return self[2] end
function F:flow() return P.flowid(self[2]) end
function F:time_window() return self[3], self[4] end
function F:add_tag(tag) self[12] = P.flow_add_tag(self[1], tag) end
function P.new_flow(...) return setmetatable({ ... }, flow_mt) end

-- Alert and Resource begin alike: seconds, microseconds, flow id or nil, and the flow's ends.
local function event(methods)
	function methods:timestamp() return self[2], self[3] end
	function methods:flow() return self[4] and P.flowid(self[4]) end
	getters(methods, 5, { "source_ip", "source_port", "destination_ip", "destination_port" })
end

local alert_mt, A = P.class("an Alert")
event(A)
getters(A, 9, { "sigid", "classification", "priority", "message", "extra_message", "status", "ack_flag" })
A.set_priority = setter(P.alert_set, "priority", 11)
A.set_message = setter(P.alert_set, "message", 12)
A.set_extra_message = setter(P.alert_set, "extra", 13)
function P.new_alert(...) return setmetatable({ ... }, alert_mt) end

local resource_mt, R = P.class("a Resource")
event(R)
getters(R, 9, { "uri", "label" })
R.set_uri = setter(P.resource_set, "uri", 9)
R.set_label = setter(P.resource_set, "label", 10)
function P.new_resource(...) return setmetatable({ ... }, resource_mt) end

local document_mt, D = P.class("an FTS document")
getters(D, 5, { "key", "text" })
function D:timestamp() return self[2], self[3] end
function D:flow() return P.flowid(self[4]) end
function P.new_document(...) return setmetatable({ ... }, document_mt) end

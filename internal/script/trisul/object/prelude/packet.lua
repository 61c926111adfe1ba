-- packet: Packet and Layer objects. [1] is the handle; of a layer [2] is its number from 0, [3] the span of its header,
-- [4] the span from there to the packet's end. Those of packet hooks are made once: they stand for the packet in
-- progress.
local P = ...

local error, setmetatable, type = error, setmetatable, type
local len, u8, bit, fact = P.view_len, P.view_u8, P.view_bit, P.view_fact

local packet_mt, K = P.class("a Packet")
local layer_mt, L = P.class("a Layer")

local function layer_at(h, i)
	return setmetatable({ h, i, 1 + 2 * i, 2 + 2 * i }, layer_mt)
end

local MOST, WIRE, LAYERS, ORIGIN, SECONDS, MICROS = P.packet_facts()
local current = setmetatable({ 1 }, packet_mt)
local layers, buffers = {}, {}
for i = 0, MOST - 1 do
	layers[i] = layer_at(1, i)
	buffers[i] = P.layer_buffer(1, 1 + 2 * i, 2 + 2 * i)
end
local whole = P.layer_buffer(1, 0, 0)


function K:wire_length() return fact(self[1], WIRE) end
function K:capture_length() return len(self[1], 0) end
function K:num_layers() return fact(self[1], LAYERS) end
function K:originid() return fact(self[1], ORIGIN) end
function K:timestamp() return fact(self[1], SECONDS), fact(self[1], MICROS) end
function K:set_timestamp(sec, usec) return P.packet_set_time(self[1], sec, usec) end
function K:set_packet(sec, usec, dlt, bytes) return P.packet_set(self[1], sec, usec, dlt, bytes) end
function K:set_packetstore_policy(policy) return P.store_packet(self, policy) end
function K:rawbytes() return self == current and whole or P.layer_buffer(self[1], 0, 0) end
function K:flowid() return P.flowid((P.packet_flow(self[1]))) end
function K:get_layer(i)
	if type(i) ~= "number" then
		error("packet:get_layer: the number of a layer is needed, from 0, not a " .. type(i), 2)
	end
	if i < 0 or i >= fact(self[1], LAYERS) then
		return nil
	end
	return layers[i]
end
function K:find_layer(guid)
	local i = P.packet_find(self[1], guid)
	return i and layers[i] or nil
end

function L:layer_bytes() return len(self[1], self[3]) end
function L:total_bytes() return fact(self[1], WIRE) end
function L:protocol_id() return P.layer_protocol(self[1], self[2]) end
function L:rawbytes() return buffers[self[2]] end
function L:packet() return current end
function L:testbit(n) return bit(self[1], self[4], n) end
function L:getbyte(off) return u8(self[1], self[4], off) end
function L:flowkey() return P.packet_flow(self[1]) end

P.layers = layers
function P.new_packet(h) return setmetatable({ h }, packet_mt) end

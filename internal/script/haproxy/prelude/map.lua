-- map: the Map class, lookups in map files that the configuration, the admin socket and core.set_map share.
local P = ...

local setmetatable = setmetatable

local M = {}
local mt = P.class("MapObject", M)
mt.__tostring = function() return "HAProxy class Map" end

function M:lookup(key) return P.map_lookup(self[0], key, false) end
function M:slookup(key) return P.map_lookup(self[0], key, true) end

-- Methods are words here; scripts only pass them on.
Map = {}
for _, method in ipairs({ "int", "ip", "str", "beg", "sub", "dir", "dom", "end", "reg" }) do
	Map["_" .. method] = method
	Map[method] = method
end

function Map.new(name, method)
	return setmetatable({ [0] = P.map_new(name, method) }, mt)
end

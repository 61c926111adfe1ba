-- flowid: FlowID objects. [1] is the id: "06A:C0.A8.01.02:p-0B94_D1.D8.F9.3A:p-0016", with "_ROUTER_IN_OUT" behind it
-- when a NetFlow exporter has told of the flow. They are plain data, and travel.
local P = ...

local format, gsub, match, sub = string.format, string.gsub, string.match, string.sub
local setmetatable, tonumber = setmetatable, tonumber

local mt, F = P.class("a FlowID", {}, true)

local names = { ["01"] = "ICMP", ["06"] = "TCP", ["11"] = "UDP", ["2F"] = "GRE", ["3A"] = "ICMP6", ["84"] = "SCTP" }

-- parts reads the id when something of it is first asked for, and keeps what it has read.
local function parts(self)
	local p = self[2]
	if not p then
		p = { match(self[1], "^(%x%x)(%a):([^:]+):([^_]+)_([^:]+):([^_]+)_?([^_]*)_?([^_]*)_?([^_]*)$") }
		self[2] = p
	end
	return p
end

-- ip turns "C0.A8.01.02" or 32 hexadecimal digits into what people read.
local function ip(key)
	if not key then
		return nil
	end
	local a, b, c, d = match(key, "^(%x%x)%.(%x%x)%.(%x%x)%.(%x%x)$")
	if a then
		return format("%d.%d.%d.%d", tonumber(a, 16), tonumber(b, 16), tonumber(c, 16), tonumber(d, 16))
	end
	if #key ~= 32 then
		return key
	end
	-- RFC 5952: no leading zeroes, the first of the longest runs of zeroes is "::".
	local groups, best, length, from = {}, 0, 1, nil
	for i = 1, 8 do
		groups[i] = tonumber(sub(key, 4 * i - 3, 4 * i), 16)
		if not groups[i] then
			return key
		end
		if groups[i] ~= 0 then
			from = nil
		else
			from = from or i
			if i - from + 1 > length then
				best, length = from, i - from + 1
			end
		end
	end
	local text, i = "", 1
	while i <= 8 do
		if i == best then
			text, i = text .. "::", i + length
		else
			text = text .. (text ~= "" and sub(text, -1) ~= ":" and ":" or "") .. format("%x", groups[i])
			i = i + 1
		end
	end
	return text
end

local function port(key)
	local digits = key and match(key, "^p%-(%x+)$")
	return digits and format("%d", tonumber(digits, 16)) or key
end

local function given(s) return s ~= "" and s or nil end
local function index(s) return s and (format("%d", tonumber(s, 16) or 0)) end

function F:id() return self[1] end
F.key = F.id
function F:protocol() return parts(self)[1] end
function F:flow_type() return parts(self)[2] end
function F:ipa() return parts(self)[3] end
function F:porta() return parts(self)[4] end
function F:ipz() return parts(self)[5] end
function F:portz() return parts(self)[6] end
function F:ipa_readable() return ip(parts(self)[3]) end
function F:ipz_readable() return ip(parts(self)[5]) end
function F:porta_readable() return port(parts(self)[4]) end
function F:portz_readable() return port(parts(self)[6]) end
function F:netflow_router() return given(parts(self)[7]) end
function F:netflow_ifindex_in() return given(parts(self)[8]) end
function F:netflow_ifindex_out() return given(parts(self)[9]) end
function F:netflow_router_readable() return ip(given(parts(self)[7])) end
function F:netflow_ifindex_in_readable() return index(given(parts(self)[8])) end
function F:netflow_ifindex_out_readable() return index(given(parts(self)[9])) end

function F:to_s()
	local p = parts(self)
	local text = format("%-4s %-15s %-5s %-15s %-5s", names[p[1]] or p[1] or "?", ip(p[3]), port(p[4]), ip(p[5]), port(p[6]))
	if given(p[7]) then
		text = text .. format(" %-15s %-7s %-7s", ip(p[7]), index(given(p[8])), index(given(p[9])))
	end
	return text
end

mt.__tostring = F.id
mt.__eq = function(a, b) return a[1] == b[1] end

function P.flowid(id) return setmetatable({ id }, mt) end
P.FlowID = mt

-- Known by this name, the class does not travel with each of its objects.
if package then
	package.loaded["trisul.flowid"] = mt
end

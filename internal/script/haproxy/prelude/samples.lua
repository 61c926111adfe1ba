-- samples: the Fetches and Converters classes (txn.f, txn.sf, txn.c, txn.sc).
--
-- Every fetch and converter is a method; '.', '-' and '+' of its name are written '_', and the name as the
-- configuration has it works too: txn.f["req.hdr"](txn.f, "host"). Methods are made when first asked for.
local P = ...

local rawset, setmetatable, type = rawset, setmetatable, type
local view = P.view

-- library makes the method table of one flavour: find(name) gives the number of a fetch or converter or nil, call runs
-- it, safe says that "no value" is "".
local function library(find, call, safe)
	return setmetatable({}, {
		__index = function(methods, name)
			local id = type(name) == "string" and find(name)
			if not id then
				return nil
			end
			local function method(self, ...)
				return call(self[0], id, safe, ...)
			end
			rawset(methods, name, method)
			return method
		end,
	})
end

local fetches = library(P.fetch_find, P.fetch_call, false)
local safe_fetches = library(P.fetch_find, P.fetch_call, true)

-- The request line is at hand without leaving Lua, as long as nobody changed it: view answers nil then, or when the
-- object is used outside of its transaction, and the general way is taken.
local function request_line(name, slot)
	local id = P.fetch_find(name)
	if not id then
		return
	end
	local call = P.fetch_call
	fetches[name] = function(self)
		local v = view(self[0], slot)
		if v then
			return v
		end
		return call(self[0], id, false)
	end
	safe_fetches[name] = function(self)
		local v = view(self[0], slot)
		if v then
			return v
		end
		return call(self[0], id, true)
	end
end
request_line("method", P.SPAN_METHOD)
request_line("path", P.SPAN_PATH)
request_line("pathq", P.SPAN_PATHQ)
request_line("url", P.SPAN_URL)
request_line("query", P.SPAN_QUERY)

P.class("Fetches", fetches)
P.class("SafeFetches", safe_fetches).__tostring = P.Fetches.__tostring
P.class("Converters", library(P.conv_find, P.conv_call, false))
P.class("SafeConverters", library(P.conv_find, P.conv_call, true)).__tostring = P.Converters.__tostring

-- samples gives makers for the four members that TXN and both applet classes have.
function P.samples(makers)
	for member, class in pairs({ f = "Fetches", sf = "SafeFetches", c = "Converters", sc = "SafeConverters" }) do
		local mt = P[class]
		makers[member] = function(self)
			return setmetatable({ [0] = self[0] }, mt)
		end
	end
	return makers
end

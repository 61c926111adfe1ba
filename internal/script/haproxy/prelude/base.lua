-- base: what every class prelude builds on.
--
-- `P` is the private table of the state: Go functions under their registered names, `view`, and what preludes share
-- with one another. Scripts never see it.
local P = ...

local error, setmetatable, tostring = error, setmetatable, tostring

-- class makes the metatable of the objects of one class. An object is a table whose [0] says what it stands for: the
-- handle of a transaction, the index of a proxy, or a userdata that Go owns.
function P.class(name, methods)
	local mt = { __name = name, __index = methods or {}, __travel = false }
	mt.__tostring = function() return "HAProxy class " .. name end
	P[name] = mt
	return mt
end

-- attributes gives a class members that are made when they are first read, and kept. makers[k](self) makes member k;
-- nil means there is none now.
function P.attributes(mt, methods, makers)
	mt.__index = function(self, k)
		local make = makers[k]
		if make then
			local v = make(self)
			self[k] = v
			return v
		end
		return methods[k]
	end
end

-- later makes a function for a part of HAProxy's interface that is not here yet.
function P.later(what)
	return function()
		error("HAProxy has " .. what .. ", eddy does not have it yet", 2)
	end
end

-- later_class stands for a whole class that is not here yet: any use of it says so.
function P.later_class(what)
	local function refuse(_, k)
		error("HAProxy has " .. what .. "." .. tostring(k) .. ", eddy does not have it yet", 2)
	end
	return setmetatable({}, { __index = refuse, __newindex = refuse, __tostring = function() return what end })
end

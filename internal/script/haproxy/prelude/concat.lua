-- concat: the Concat class, core.concat(): many short strings made one.
local P = ...

local error, setmetatable, type, tostring = error, setmetatable, type, tostring
local concat = table.concat

local C = {}
local mt = P.class("Concat", C)

function core.concat()
	return setmetatable({ n = 0 }, mt)
end

function C:add(str)
	local t = type(str)
	if t ~= "string" and t ~= "number" then
		error("concat:add: give a string, not a " .. t, 2)
	end
	local n = self.n + 1
	self[n] = str
	self.n = n
end

-- dump gives the whole string; the parts become one, so that a second dump is cheap.
function C:dump()
	local str = concat(self, "", 1, self.n)
	for i = 2, self.n do
		self[i] = nil
	end
	self[1], self.n = str, 1
	return str
end

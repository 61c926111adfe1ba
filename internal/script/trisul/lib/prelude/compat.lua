-- compat: what scripts written for LuaJIT and Lua 5.1 expect beside what the standard library has.
local P = ...

local error, pcall, select, tonumber, type = error, pcall, select, tonumber, type
local floor, math_type = math.floor, math.type
local format, gsub = string.format, string.gsub

-- whole cuts a number off at the point, where it fits an integer.
local function whole(x)
	local n = tonumber(x)
	if n and math_type(n) == "float" and n > -2 ^ 63 and n < 2 ^ 63 then
		return n < 0 and -floor(-n) or floor(n)
	end
	return x
end

-- retry formats piece by piece what format refused. There, string.format("%d", 2.5) is "2".
local function retry(fmt, ...)
	local args, i = { ... }, 0
	return (gsub(fmt, "%%([-+ #0]*%d*%.?%d*)(.)", function(flags, conversion)
		if conversion == "%" then
			return "%"
		end
		i = i + 1
		local x = args[i]
		if conversion:find("[dioxXcu]") then
			x = whole(x)
		end
		return format("%" .. flags .. (conversion == "u" and "d" or conversion), x)
	end))
end

local function finish(ok, text, ...)
	if ok then
		return text
	end
	local refused
	ok, refused = pcall(retry, ...)
	if ok then
		return refused
	end
	error(gsub(text, "to '%?'", "to 'format'"), 3)
end

function string.format(...)
	local ok, text = pcall(format, ...)
	return finish(ok, text, ...)
end

if not package then
	return
end

-- require "ffi" and the like say why they are not there.
local missing = {
	ffi = "require 'ffi': eddy runs Lua 5.4, not LuaJIT, and has no FFI: a wrong pointer would take the whole process down. " ..
		"Use T.util, T.re2, T.ac and io.popen instead, or do the work in another program that T.async:schedule starts",
	jit = "require 'jit': eddy runs Lua 5.4, not LuaJIT; there is nothing to tune",
}
for name, text in pairs(missing) do
	package.preload[name] = function() error(text, 0) end
end

-- The debugger that Trisul has built in: scripts keep the call in place.
package.preload.debugger = function()
	local told = false
	return setmetatable({}, {
		__call = function()
			if not told then
				told = true
				T.logwarning("dbg(): there is no debugger here; the script goes on")
			end
		end,
		__index = function() return function() end end,
	})
end

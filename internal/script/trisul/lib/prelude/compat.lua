-- compat: what scripts written for LuaJIT and Lua 5.1 expect beside what the standard library has.
local P = ...

local error, pcall, select, tonumber, type = error, pcall, select, tonumber, type
local floor, math_type, unpack = math.floor, math.type, table.unpack
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
	error(gsub(text, "to '%?'", "to 'format'"), 2) -- finish was tail-called: this is the script's line
end

function string.format(...)
	local ok, text = pcall(format, ...)
	return finish(ok, text, ...)
end

-- There, places and counts are cut off at the point: text:sub(1, #text / 2).
local sub, byte, rep, char = string.sub, string.byte, string.rep, string.char

function string.sub(text, from, to)
	if from and from % 1 ~= 0 then
		from = whole(from)
	end
	if to and to % 1 ~= 0 then
		to = whole(to)
	end
	return sub(text, from, to)
end

function string.byte(text, from, to)
	if from and from % 1 ~= 0 then
		from = whole(from)
	end
	if to and to % 1 ~= 0 then
		to = whole(to)
	end
	return byte(text, from or 1, to or from or 1)
end

function string.rep(text, count, between)
	if count and count % 1 ~= 0 then
		count = whole(count)
	end
	return rep(text, count, between)
end

function string.char(...)
	local ok, text = pcall(char, ...)
	if ok then
		return text
	end
	local codes = { ... }
	for i = 1, #codes do
		codes[i] = whole(codes[i])
	end
	return char(unpack(codes))
end

-- There, a '%' in a replacement stands for the character behind it, when that is no digit: gsub(",", "%."). What such
-- texts come to is remembered, as scripts have few of them.
local room, known = 0, {}

local function replacement(by)
	if type(by) ~= "string" then
		return by
	end
	if room == 0 then
		room, known = 256, {}
	end
	room = room - 1
	known[by] = gsub(by, "%%([^%d])", function(c) return c ~= "%" and c or nil end)
	return known[by]
end

function string.gsub(text, pattern, by, most)
	return gsub(text, pattern, known[by] or replacement(by), most)
end

local random, seed = math.random, math.randomseed

function math.random(low, high)
	if high then
		return random(whole(low), whole(high))
	elseif low then
		return random(whole(low))
	end
	return random()
end

function math.randomseed(x)
	seed(whole(x % 1 == 0 and x or x * 65536))
end

local date, execute = os.date, os.execute

function os.date(form, time) return date(form, whole(time)) end

-- os.execute gives what system(3) gives, 0 when all went well; behind it are Lua 5.4's "exit" or "signal", and the number.
function os.execute(command)
	local ok, how, code = execute(command)
	if command == nil then
		return ok and 1 or 0
	elseif how == "exit" then
		return code << 8, how, code
	elseif how == "signal" then
		return code, how, code
	end
	return -1, how, code
end

function os.exit()
	error("os.exit: a plugin cannot end eddy; an onload that returns false switches it off", 2)
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

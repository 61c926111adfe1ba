-- bit, as LuaJIT has it (results are signed 32-bit numbers), and bit32, as Lua 5.2 has it (unsigned).
local error, floor, math_type, select, tonumber, type, format = error, math and math.floor, math and math.type, select, tonumber, type, string and string.format
if not floor or not format then
	return
end

-- int gives argument i of a function as an integer; floats are rounded as BitOp does, and wrap around.
local function int(x, i, name)
	if math_type(x) == "integer" then
		return x
	end
	local n = tonumber(x)
	if not n then
		error("bad argument #" .. i .. " to '" .. name .. "' (number expected, got " .. (x == nil and "no value" or type(x)) .. ")", 3)
	end
	if math_type(n) == "integer" then
		return n
	end
	if n ~= n or n == 1 / 0 or n == -1 / 0 then
		return 0
	end
	local r = floor(n + 0.5)
	if n + 0.5 == r and r % 2 == 1 then -- halves go to the even neighbour
		r = r - 1
	end
	return math_type(r) == "integer" and r or floor(r % 4294967296.0)
end

local function signed(x)
	x = x & 0xffffffff
	return x < 0x80000000 and x or x - 0x100000000
end

bit = {}

function bit.tobit(x)
	return signed(int(x, 1, "tobit"))
end

function bit.bnot(x)
	return signed(~int(x, 1, "bnot"))
end

function bit.band(x, ...)
	local r = int(x, 1, "band")
	for i = 1, select("#", ...) do
		r = r & int((select(i, ...)), i + 1, "band")
	end
	return signed(r)
end

function bit.bor(x, ...)
	local r = int(x, 1, "bor")
	for i = 1, select("#", ...) do
		r = r | int((select(i, ...)), i + 1, "bor")
	end
	return signed(r)
end

function bit.bxor(x, ...)
	local r = int(x, 1, "bxor")
	for i = 1, select("#", ...) do
		r = r ~ int((select(i, ...)), i + 1, "bxor")
	end
	return signed(r)
end

function bit.lshift(x, n)
	return signed(int(x, 1, "lshift") << (int(n, 2, "lshift") & 31))
end

function bit.rshift(x, n)
	return signed((int(x, 1, "rshift") & 0xffffffff) >> (int(n, 2, "rshift") & 31))
end

function bit.arshift(x, n)
	return signed(signed(int(x, 1, "arshift")) // (1 << (int(n, 2, "arshift") & 31)))
end

local function rotate(x, n)
	x = x & 0xffffffff
	n = n & 31
	return x << n | x >> (32 - n)
end

function bit.rol(x, n)
	return signed(rotate(int(x, 1, "rol"), int(n, 2, "rol")))
end

function bit.ror(x, n)
	return signed(rotate(int(x, 1, "ror"), -int(n, 2, "ror")))
end

function bit.bswap(x)
	x = int(x, 1, "bswap")
	return signed((x & 0xff) << 24 | (x & 0xff00) << 8 | x >> 8 & 0xff00 | x >> 24 & 0xff)
end

function bit.tohex(x, n)
	x, n = int(x, 1, "tohex"), n == nil and 8 or int(n, 2, "tohex")
	local digits, upper = n, false
	if n < 0 then
		digits, upper = -n, true
	end
	if digits > 8 then
		digits = 8
	end
	if digits == 0 then
		return ""
	end
	return format(upper and "%0" .. digits .. "X" or "%0" .. digits .. "x", x & (1 << 4 * digits) - 1)
end

bit32 = {}
local function mask(x)
	return x & 0xffffffff
end

function bit32.bnot(x)
	return mask(~int(x, 1, "bnot"))
end

function bit32.band(...)
	local r = 0xffffffff
	for i = 1, select("#", ...) do
		r = r & int((select(i, ...)), i, "band")
	end
	return mask(r)
end

function bit32.btest(...)
	return bit32.band(...) ~= 0
end

function bit32.bor(...)
	local r = 0
	for i = 1, select("#", ...) do
		r = r | int((select(i, ...)), i, "bor")
	end
	return mask(r)
end

function bit32.bxor(...)
	local r = 0
	for i = 1, select("#", ...) do
		r = r ~ int((select(i, ...)), i, "bxor")
	end
	return mask(r)
end

-- Lua's own shifts give 0 from 64 places on, and turn round for a negative count.
function bit32.lshift(x, n)
	return mask(mask(int(x, 1, "lshift")) << int(n, 2, "lshift"))
end

function bit32.rshift(x, n)
	return mask(mask(int(x, 1, "rshift")) >> int(n, 2, "rshift"))
end

function bit32.arshift(x, n)
	x, n = signed(int(x, 1, "arshift")), int(n, 2, "arshift")
	if n <= 0 then
		return mask(mask(x) << -n)
	end
	return mask(x // (1 << (n < 32 and n or 32)))
end

function bit32.lrotate(x, n)
	return mask(rotate(int(x, 1, "lrotate"), int(n, 2, "lrotate")))
end

function bit32.rrotate(x, n)
	return mask(rotate(int(x, 1, "rrotate"), -int(n, 2, "rrotate")))
end

local function field(name, at, width, i)
	at, width = int(at, i, name), width == nil and 1 or int(width, i + 1, name)
	if at < 0 then
		error("bad argument #" .. i .. " to '" .. name .. "' (field cannot be negative)", 3)
	elseif width <= 0 then
		error("bad argument #" .. i + 1 .. " to '" .. name .. "' (width must be positive)", 3)
	elseif at + width > 32 then
		error("trying to access non-existent bits", 3)
	end
	return at, (1 << width) - 1
end

function bit32.extract(x, at, width)
	x = mask(int(x, 1, "extract"))
	local ones
	at, ones = field("extract", at, width, 2)
	return x >> at & ones
end

function bit32.replace(x, v, at, width)
	x, v = mask(int(x, 1, "replace")), int(v, 2, "replace")
	local ones
	at, ones = field("replace", at, width, 3)
	return x & ~(ones << at) | (v & ones) << at
end

if package then
	package.loaded.bit, package.loaded.bit32 = bit, bit32
end

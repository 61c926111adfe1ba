-- util: T.util.
local P = ...

local error, floor, tonumber, type = error, math.floor, tonumber, type
local find, format, match, sub = string.find, string.format, string.match, string.sub
local unpack = table.unpack

local U = { hash = P.util_hash, bin2hex = P.util_bin2hex, hex2bin = P.util_hex2bin, filehash = P.util_filehash }
T.util = U

-- whole gives a number as an integer of 32 bits.
local function whole(n, who)
	local x = tonumber(n)
	if not x then
		error("T.util." .. who .. ": a number is needed, not a " .. type(n), 3)
	end
	return floor(x) & 0xffffffff
end

function U.ntop(n)
	n = whole(n, "ntop")
	return format("%d.%d.%d.%d", n >> 24, n >> 16 & 255, n >> 8 & 255, n & 255)
end

function U.pton(s)
	if type(s) ~= "string" then
		error("T.util.pton: an address as text is needed, not a " .. type(s), 2)
	end
	local a, b, c, d = match(s, "^%s*(%d+)%.(%d+)%.(%d+)%.(%d+)%s*$")
	a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
	if not d or a > 255 or b > 255 or c > 255 or d > 255 then
		return nil
	end
	return a << 24 | b << 16 | c << 8 | d
end

function U.bor(p, q) return whole(p, "bor") | whole(q, "bor") end
function U.band(p, q) return whole(p, "band") & whole(q, "band") end

-- testbit32: the lowest bit is 0.
function U.testbit32(p, n)
	n = whole(n, "testbit32")
	return n < 32 and whole(p, "testbit32") >> n & 1 == 1
end

-- bitval32: width bits, from bit n downwards: bitval32(p, 20, 4) is bits 20 to 17.
function U.bitval32(p, n, width)
	p, n, width = whole(p, "bitval32"), whole(n, "bitval32"), whole(width, "bitval32")
	if n > 31 or width > n + 1 then
		error("T.util.bitval32: there are no " .. width .. " bits below and at bit " .. n, 2)
	end
	return p >> (n - width + 1) & (1 << width) - 1
end

local function tokens(text, delimiter, who)
	if type(text) ~= "string" or type(delimiter) ~= "string" then
		error("T.util." .. who .. ": two strings are needed: what to split, and the delimiter", 3)
	end
	local out, n, from = {}, 0, 1
	while delimiter ~= "" do
		local first, last = find(text, delimiter, from, true)
		if not first then
			break
		end
		n = n + 1
		out[n] = sub(text, from, first - 1)
		from = last + 1
	end
	out[n + 1] = sub(text, from)
	return out
end

function U.split(text, delimiter) return tokens(text, delimiter, "split") end
function U.splitm(text, delimiter) return unpack(tokens(text, delimiter, "splitm")) end

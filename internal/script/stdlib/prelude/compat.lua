-- Names that scripts written for Lua 5.1 use.
local error, load, pairs, type = error, load, pairs, type

function loadstring(s, name)
	if type(s) ~= "string" then
		error("bad argument #1 to 'loadstring' (string expected, got " .. type(s) .. ")", 2)
	end
	return load(s, name or s, "t")
end

if table then
	unpack = unpack or table.unpack

	function table.getn(t)
		return #t
	end

	function table.maxn(t)
		local n = 0
		for k in pairs(t) do
			if type(k) == "number" and k > n then
				n = k
			end
		end
		return n
	end

	function table.foreach(t, f)
		for k, v in pairs(t) do
			v = f(k, v)
			if v ~= nil then
				return v
			end
		end
	end

	function table.foreachi(t, f)
		for i = 1, #t do
			local v = f(i, t[i])
			if v ~= nil then
				return v
			end
		end
	end
end

if string then
	string.gfind = string.gmatch
end

if math then
	local exp, floor, huge, log = math.exp, math.floor, math.huge, math.log
	local missing = {
		mod = math.fmod,
		pow = function(x, y)
			return x ^ y
		end,
		log10 = function(x)
			return log(x, 10)
		end,
		cosh = function(x)
			return (exp(x) + exp(-x)) / 2
		end,
		sinh = function(x)
			return (exp(x) - exp(-x)) / 2
		end,
		tanh = function(x)
			if x > 20 or x < -20 then
				return x > 0 and 1.0 or -1.0
			end
			local a, b = exp(x), exp(-x)
			return (a - b) / (a + b)
		end,
		ldexp = function(m, e)
			while e > 1000 do -- 2^e itself may not be a number where the result is one
				m, e = m * 2.0 ^ 1000, e - 1000
			end
			while e < -1000 do
				m, e = m * 2.0 ^ -1000, e + 1000
			end
			return m * 2.0 ^ e
		end,
		frexp = function(x)
			if x == 0 or x ~= x or x == huge or x == -huge then
				return x, 0
			end
			local e = 0
			local a = x < 0 and -x or x
			while a >= 1 do
				a, e = a / 2, e + 1
			end
			while a < 0.5 do
				a, e = a * 2, e - 1
			end
			return x < 0 and -a or a, e
		end,
	}
	for name, f in pairs(missing) do
		math[name] = math[name] or f
	end
end

if package then
	package.loaders = package.searchers
end

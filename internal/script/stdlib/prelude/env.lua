-- setfenv, getfenv and module, as in Lua 5.1: a function's globals are its upvalue _ENV, which can be exchanged.
local P = ...
local debug, error, type, tonumber, ipairs, rawget, setmetatable, select = P.debug, error, type, tonumber, ipairs, rawget, setmetatable, select
local getinfo, getupvalue, upvaluejoin = P.debug.getinfo, P.debug.getupvalue, P.debug.upvaluejoin
local package, find, match = package, string and string.find, string and string.match
local G = _G

-- Environments of functions that use no globals and so have no place for one.
local without = setmetatable({}, { __mode = "k" })

local function env_index(f)
	for i = 1, 255 do
		local name = getupvalue(f, i)
		if name == nil then
			return nil
		elseif name == "_ENV" then
			return i
		end
	end
end

-- resolve gives the function that a setfenv or getfenv argument means; level counts from the caller of those.
local function resolve(f, name)
	if type(f) == "function" then
		return f
	end
	local level = tonumber(f)
	if not level then
		error("bad argument #1 to '" .. name .. "' (number expected, got " .. type(f) .. ")", 3)
	end
	if level < 0 then
		error("bad argument #1 to '" .. name .. "' (level must be non-negative)", 3)
	end
	if level == 0 then
		return nil
	end
	local info = getinfo(level + 2, "f")
	if not info then
		error("bad argument #1 to '" .. name .. "' (invalid level)", 3)
	end
	return info.func
end

function getfenv(f)
	f = resolve(f == nil and 1 or f, "getfenv")
	if not f or getinfo(f, "S").what == "C" then
		return G
	end
	local i = env_index(f)
	if not i then
		return without[f] or G
	end
	local _, env = getupvalue(f, i)
	return env
end

function setfenv(f, env)
	if type(env) ~= "table" then
		error("bad argument #2 to 'setfenv' (table expected, got " .. type(env) .. ")", 2)
	end
	local fn = resolve(f, "setfenv")
	if not fn or getinfo(fn, "S").what == "C" then
		error("'setfenv' cannot change environment of given object", 2)
	end
	local i = env_index(fn)
	if i then
		upvaluejoin(fn, i, function()
			return env
		end, 1)
	else
		without[fn] = env
	end
	return fn
end

if not package or not find then
	return
end

-- table_at finds, or makes, the table that a dotted name means.
local function table_at(name)
	local t = G
	for part in name:gmatch("[^.]+") do
		local v = rawget(t, part)
		if v == nil then
			v = {}
			t[part] = v
		elseif type(v) ~= "table" then
			return nil
		end
		t = v
	end
	return t
end

function module(name, ...)
	local m = package.loaded[name]
	if type(m) ~= "table" then
		m = table_at(name)
		if not m then
			error("name conflict for module '" .. name .. "'", 2)
		end
		package.loaded[name] = m
	end
	if m._NAME == nil then
		m._M, m._NAME, m._PACKAGE = m, name, match(name, "^(.*%.)[^.]*$") or ""
	end
	setfenv(2, m)
	for i = 1, select("#", ...) do
		(select(i, ...))(m)
	end
end

function package.seeall(m)
	if type(m) ~= "table" then
		error("bad argument #1 to 'seeall' (table expected, got " .. type(m) .. ")", 2)
	end
	local mt = getmetatable(m)
	if not mt then
		mt = {}
		setmetatable(m, mt)
	end
	mt.__index = G
end

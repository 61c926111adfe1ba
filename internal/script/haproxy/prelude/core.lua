-- core: the core class without what the preludes of single classes add to it, and the constants of act and filter.
local P = ...

local error, ipairs, rawset, setmetatable, tostring, type = error, ipairs, rawset, setmetatable, tostring, type
local find, gsub, sub = string.find, string.gsub, string.sub
local pack, unpack = table.pack, table.unpack

core = {
	silent = -1, emerg = 0, alert = 1, crit = 2, err = 3, warning = 4, notice = 5, info = 6, debug = 7,
	thread = P.thread,
}

-- Members that need the built configuration: made at the first read after it exists.
P.core_attributes = {}
setmetatable(core, {
	__index = function(self, k)
		local make = P.core_attributes[k]
		if make then
			local v = make()
			if P.core_ready() then
				rawset(self, k, v)
			end
			return v
		end
	end,
})

-- Logs.
local log = P.core_log
core.log = log
function core.Debug(msg) return log(7, msg) end
function core.Info(msg) return log(6, msg) end
function core.Warning(msg) return log(4, msg) end
function core.Alert(msg) return log(1, msg) end

-- Time.
core.sleep, core.msleep, core.wait, core.yield = P.core_sleep, P.core_msleep, P.core_wait, P.core_yield
core.done = P.core_done
core.http_date, core.imf_date = P.http_date, P.imf_date
core.rfc850_date, core.asctime_date = P.rfc850_date, P.asctime_date
function core.now()
	local sec, usec = P.core_now()
	return { sec = sec, usec = usec }
end

-- Process.
core.get_info = P.core_get_info
core.set_nice = P.core_set_nice
function core.get_var(name) return P.var_get(nil, name) end
function core.set_var(name, value, ifexist) return P.var_set(nil, name, value, ifexist) end
function core.unset_var(name) return P.var_unset(nil, name) end

-- Patterns.
function core.add_acl(name, key) return P.pattern_edit("add_acl", name, key) end
function core.del_acl(name, key) return P.pattern_edit("del_acl", name, key) end
function core.add_map(name, key, value) return P.pattern_edit("add_map", name, key, value) end
function core.set_map(name, key, value) return P.pattern_edit("set_map", name, key, value) end
function core.del_map(name, key) return P.pattern_edit("del_map", name, key) end

-- Addresses.
core.parse_addr, core.match_addr = P.parse_addr, P.match_addr

-- tokenize splits str at every byte of separators.
function core.tokenize(str, separators, noblank)
	if type(str) ~= "string" or type(separators) ~= "string" then
		error("core.tokenize: give two strings: what to split and the separators", 2)
	end
	local out, n, from = {}, 0, 1
	local class = separators ~= "" and "[" .. gsub(separators, "[^%w%s\0]", "%%%0") .. "]"
	while true do
		local at = class and find(str, class, from)
		local part = sub(str, from, at and at - 1 or -1)
		if part ~= "" or not noblank then
			n = n + 1
			out[n] = part
		end
		if not at then
			return out
		end
		from = at + 1
	end
end

-- Registrations. Functions that get an object are wrapped so that the object is made inside the call; nargs says whether
-- they get anything else.
local function wrap(what, func, class, nargs)
	if type(func) ~= "function" then
		error("core." .. what .. ": the function is a " .. type(func), 3)
	end
	local mt = P[class]
	if not nargs then
		return function(handle)
			return func(setmetatable({ [0] = handle }, mt))
		end
	end
	return function(handle, ...)
		return func(setmetatable({ [0] = handle }, mt), ...)
	end
end

function core.register_action(name, where, func, nargs)
	func = wrap("register_action", func, "TXN", nargs ~= 0 and nargs)
	return P.register_action(name, where, func, nargs)
end

function core.register_fetches(name, func)
	func = wrap("register_fetches", func, "TXN", true)
	return P.register_fetches(name, func)
end

core.register_converters = P.register_converters
core.register_init = P.register_init

function core.register_service(name, mode, func)
	func = wrap("register_service", func, mode == "http" and "AppletHTTP" or "AppletTCP")
	return P.register_service(name, mode, func)
end

function core.register_cli(path, usage, func)
	func = wrap("register_cli", func, "AppletTCP", true)
	return P.register_cli(path, usage, func)
end

function core.register_task(func, ...)
	if type(func) ~= "function" then
		error("core.register_task: give a function, not a " .. type(func), 2)
	end
	local args = pack(...)
	if args.n == 0 then
		return P.register_task(func)
	end
	return P.register_task(function() return func(unpack(args, 1, args.n)) end)
end

core.register_filter = P.later("core.register_filter")
core.event_sub = P.later("core.event_sub")
core.get_patref = P.later("core.get_patref")
core.use_native_mailers_config = P.later("core.use_native_mailers_config")

act = { CONTINUE = 0, STOP = 1, YIELD = 2, ERROR = 3, DONE = 4, DENY = 5, ABORT = 6, INVALID = 7 }
-- Both act:wake_time(ms) and act.wake_time(ms).
function act.wake_time(a, b)
	return P.act_wake_time(b or a)
end

filter = P.later_class("filter")
CertCache = P.later_class("CertCache")
ACME = P.later_class("ACME")

-- A task has no transaction. Scripts that log with txn:Warning() there get an object that can do that; a script's own
-- variable of that name comes first, and everywhere else txn stays undefined.
local task_txn = {}
function task_txn.log(_, level, msg) return log(level, msg) end
function task_txn.deflog(_, msg) return log(6, msg) end
function task_txn.Debug(_, msg) return log(7, msg) end
function task_txn.Info(_, msg) return log(6, msg) end
function task_txn.Warning(_, msg) return log(4, msg) end
function task_txn.Alert(_, msg) return log(1, msg) end

local globals = getmetatable(_G)
if not globals then
	globals = {}
	setmetatable(_G, globals)
end
local before = globals.__index
globals.__index = function(t, k)
	if k == "txn" and P.in_task() then
		return task_txn
	end
	if type(before) == "function" then
		return before(t, k)
	elseif before ~= nil then
		return before[k]
	end
end

-- txn: the TXN class, what actions and sample fetches get as their first argument.
--
-- [0] is the handle of the transaction. Its two lowest bits are facts that never change while the call runs: 1 means
-- mode http, 2 means the script runs on the response's way.
local P = ...

local setmetatable = setmetatable

local T = {}
local mt = P.class("TXN", T)

local log = P.txn_log
function T:log(level, msg) return log(self[0], level, msg) end
function T:deflog(msg) return log(self[0], nil, msg) end
function T:Debug(msg) return log(self[0], 7, msg) end
function T:Info(msg) return log(self[0], 6, msg) end
function T:Warning(msg) return log(self[0], 4, msg) end
function T:Alert(msg) return log(self[0], 1, msg) end

local get_var, set_var, unset_var = P.var_get, P.var_set, P.var_unset
function T:get_var(name) return get_var(self[0], name) end
function T:set_var(name, value, ifexist) return set_var(self[0], name, value, ifexist) end
function T:unset_var(name) return unset_var(self[0], name) end

function T:set_priv(data) return P.priv_set(self[0], data) end
function T:get_priv() return P.priv_get(self[0]) end

function T:reply(init) return P.reply(init) end
function T:done(reply) return P.txn_done(self[0], reply) end

function T:set_loglevel(level) return P.txn_set_loglevel(self[0], level) end
function T:set_fc_tos(v) return P.txn_packet_mark(self[0], v) end
function T:set_fc_mark(v) return P.txn_packet_mark(self[0], v) end
T.set_tos, T.set_mark = T.set_fc_tos, T.set_fc_mark
function T:set_priority_class(v) return P.txn_priority(self[0], v) end
function T:set_priority_offset(v) return P.txn_priority(self[0], v) end
function T:is_http() return self[0] & 1 == 1 end

-- sub makes a member that is an object of another class on the same transaction.
local function sub(class, http_only)
	local class_mt = P[class]
	return function(self)
		local h = self[0]
		if http_only and h & 1 == 0 then
			return nil
		end
		return setmetatable({ [0] = h }, class_mt)
	end
end

P.attributes(mt, T, P.samples({
	req = sub("ReqChannel"),
	res = sub("ResChannel"),
	http = sub("HTTP", true),
	http_req = sub("ReqMessage", true),
	http_res = sub("ResMessage", true),
}))

-- regex: the Regex class.
local P = ...

local setmetatable = setmetatable

local R = {}
local mt = P.class("RegexObject", R)
mt.__tostring = function() return "HAProxy class Regex" end

function R:exec(str) return P.regex_exec(self[0], str) end

local function matched(ok, ...)
	if ok then
		return true, { ... }
	end
	return false, {}
end
function R:match(str) return matched(P.regex_match(self[0], str)) end

Regex = { exec = R.exec, match = R.match }
function Regex.new(text, case_sensitive)
	local re, reason = P.regex_new(text, case_sensitive)
	if not re then
		return false, reason
	end
	return true, setmetatable({ [0] = re }, mt)
end

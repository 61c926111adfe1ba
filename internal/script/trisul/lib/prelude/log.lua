-- log: T.log and its short forms.
local P = ...

local error, tostring, type = error, tostring, type
local log, levels = P.log, T.K.loglevel

-- T.log(level, text) or T.log(text).
function T.log(level, text)
	if text == nil then
		return log(levels.DEBUG, tostring(level))
	end
	if type(level) ~= "number" then
		error("T.log: argument 1 must be one of T.K.loglevel, not a " .. type(level), 2)
	end
	return log(level, tostring(text))
end

function T.logerror(text) return log(levels.ERROR, tostring(text)) end
function T.logwarning(text) return log(levels.WARN, tostring(text)) end
function T.loginfo(text) return log(levels.INFO, tostring(text)) end
function T.logdebug(text) return log(levels.DEBUG, tostring(text)) end

-- As the first tutorial writes it.
function T.host:log(level, text) return T.log(level, text) end

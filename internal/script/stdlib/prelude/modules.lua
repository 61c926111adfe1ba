-- Built-in modules: the last thing that require looks for, so that a user's file of the name wins.
local P = ...
local error, load = error, load
if not package or not package.searchers then
	return
end
package.searchers[#package.searchers + 1] = function(name)
	local src = P.std_builtin(name)
	if not src then
		return "no built-in module '" .. name .. "'"
	end
	local f, message = load(src, "=(built-in " .. name .. ")", "t")
	if not f then
		error(message, 0)
	end
	return f, "(built in)"
end

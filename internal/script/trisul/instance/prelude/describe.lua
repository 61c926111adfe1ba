-- describe: what a plugin says about itself, as plain data.
local P = ...

local getinfo, next, pairs, type = P.debug.getinfo, next, pairs, type

local deepest, most = 6, 4096 -- of the data that is taken along

-- data copies what is neither a function nor an object.
local function data(v, depth, budget)
	local kind = type(v)
	if kind == "string" or kind == "number" or kind == "boolean" then
		return v
	elseif kind ~= "table" or depth > deepest then
		return nil
	end
	local out = {}
	for k, x in next, v do
		if budget[1] <= 0 then
			break
		end
		budget[1] = budget[1] - 1
		if type(k) == "string" or type(k) == "number" then
			out[k] = data(x, depth + 1, budget)
		end
	end
	return out
end

-- functions gives the functions of a table with the lines that they begin at.
local function functions(t)
	local out = {}
	for k, v in next, t do
		if type(k) == "string" and type(v) == "function" then
			out[k] = getinfo(v, "S").linedefined
		end
	end
	return out
end

P.keep_describe(function()
	local plugin = TrisulPlugin
	if type(plugin) ~= "table" then
		return nil
	end
	local tables = {}
	for k, v in next, plugin do
		if type(k) == "string" and type(v) == "table" and k ~= "id" and k ~= "message_subscriptions" then
			tables[k] = { functions = functions(v), data = data(v, 1, { most }) }
		end
	end
	return {
		id = data(plugin.id, 1, { most }),
		workers = data(plugin.request_async_workers, 1, { most }),
		subscriptions = data(plugin.message_subscriptions, 1, { most }),
		functions = functions(plugin),
		tables = tables,
	}
end)

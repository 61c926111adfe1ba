-- hooks: finds a script's hooks, and wraps each in a function that makes its objects from what Go passes.
local P = ...

local ipairs, pairs, type = ipairs, pairs, type
local engine, flowid, buffer, header = P.engine, P.flowid, P.buffer, P.header
local new_flow, new_alert, new_resource, new_document, new_packet =
	P.new_flow, P.new_alert, P.new_resource, P.new_document, P.new_packet

P.keep_object(0, engine)
for i, layer in pairs(P.layers) do
	P.keep_object(i + 1, layer)
end

-- One maker for each of plugin.Shape. h is the handle of the hook's objects.
local shape = {}
function shape.bare(f) return f end
function shape.direct(f) return f end
function shape.plain(f)
	return function(...) return f(engine, ...) end
end
function shape.flow(f)
	return function(ts, id, ...) return f(engine, ts, flowid(id), ...) end
end
function shape.payload(f)
	return function(h, ts, id, dir, pos) return f(engine, ts, flowid(id), dir, pos, buffer(h)) end
end
function shape.head(f)
	return function(h, ts, id, answer) return f(engine, ts, flowid(id), header(h, answer)) end
end
function shape.body(f)
	return function(h, ts, id, path, dir, pos)
		return f(engine, ts, flowid(id), path, header(h, false), header(h, true), dir, pos, buffer(h))
	end
end
function shape.file(f)
	return function(h, ts, id, path, length, partial)
		return f(engine, ts, flowid(id), path, header(h, false), header(h, true), length, partial)
	end
end
function shape.session(f)
	return function(...) return f(engine, new_flow(...)) end
end
function shape.alert(f)
	return function(...) return f(engine, new_alert(...)) end
end
function shape.resource(f)
	return function(...) return f(engine, new_resource(...)) end
end
function shape.document(f)
	return function(...) return f(engine, new_document(...)) end
end
function shape.report(f)
	return function(id, ...) return f(engine, flowid(id), ...) end
end
function shape.step(f)
	return function(h) return f(new_packet(h), engine) end
end

P.keep_result(function(onresult, request, response) return onresult(engine, request, response) end)
P.keep_taken(function(taker, job, result) return taker(job, result, engine) end)

-- groups puts T.countergroups and its like in, before the file runs; bind what a monitor is attached to, before onload.
P.keep_groups(function(lists)
	for field, list in pairs(lists) do
		T[field] = list
	end
end)
P.keep_bind(function(name, guid)
	T.monitor_group_name, T.monitor_group_guid = name, guid
end)

-- resolve gives the strings of a field: a string, a function that returns one, or an array of such.
P.keep_resolve(function(name, field)
	local out = {}
	local function add(v)
		if type(v) == "function" then
			v = v()
		end
		if type(v) == "table" then
			for _, x in ipairs(v) do
				add(x)
			end
		elseif type(v) == "string" then
			out[#out + 1] = v
		end
	end
	add(TrisulPlugin[name][field])
	return out
end)

-- find keeps the hooks of the table that has a script type, and the plugin's own.
P.keep_find(function(name, list)
	local plugin = TrisulPlugin
	if type(plugin) ~= "table" then
		return
	end
	local own = name and plugin[name]
	for _, common in ipairs({ "onload", "onunload", "onmessage" }) do
		if type(plugin[common]) == "function" then
			P.keep_hook(common, plugin[common])
		end
		if type(own) == "table" and type(own[common]) == "function" then
			P.keep_hook("type." .. common, own[common])
		end
	end
	if type(own) ~= "table" then
		return
	end
	for _, hook in ipairs(list) do
		local f = own[hook[1]]
		if type(f) == "function" then
			P.keep_hook(hook[1], shape[hook[2]](f))
		end
	end
end)

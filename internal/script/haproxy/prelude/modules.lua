-- modules: what require() finds when the user has no file of that name.
local P = ...

local built_in = { fifo = P.fifo_module }

-- Last in the list: files on package.path, ./?.lua among them, win.
if package and package.searchers then
	table.insert(package.searchers, function(name)
		local load_it = built_in[name]
		if load_it then
			return load_it, "(built in)"
		end
	end)
end

-- A fifo that is on the disk is no matter of a file.
if package and package.preload and P.fifo_on_disk() then
	package.preload.fifo = P.fifo_module
end

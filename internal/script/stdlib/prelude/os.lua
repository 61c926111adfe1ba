-- os: what touches the file system or starts a program waits in Go, off the state's lock.
local P = ...
if not os then
	return
end
os.execute, os.remove, os.rename, os.tmpname, os.exit = P.std_execute, P.std_remove, P.std_rename, P.std_tmpname, P.std_exit

-- A locale belongs to the whole process and would change how every script reads and writes numbers.
local categories = { all = true, collate = true, ctype = true, monetary = true, numeric = true, time = true }
function os.setlocale(locale, category)
	if category ~= nil and not categories[category] then
		error("bad argument #2 to 'setlocale' (invalid option '" .. tostring(category) .. "')", 2)
	end
	if locale == nil or locale == "C" or locale == "POSIX" then
		return "C"
	end
	return nil
end

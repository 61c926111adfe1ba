-- io: files whose reads and writes wait in Go, off the state's lock. Functions that a script calls are Go's own where
-- they can be, so that errors name the script's line; the others raise with level 2.
local P = ...
if not io then
	return
end
local collectgarbage, debug, error, select, setmetatable, tostring, type = collectgarbage, P.debug, error, select, setmetatable, tostring, type
local pack, unpack = table and table.pack, table and table.unpack
local read, next_, write, close, kind = P.std_read, P.std_next, P.std_write, P.std_close, P.std_type

local methods = { read = read, close = close, seek = P.std_seek, setvbuf = P.std_setvbuf, flush = P.std_flush }
local class = { __name = "FILE*", __index = methods, __tostring = P.std_string }

local stdin, stdout, stderr = P.std_file(0), P.std_file(1), P.std_file(2)
class.__gc = debug.getmetatable(stdin).__gc -- lets go of the file
function class.__close(f)
	if kind(f) == "file" then
		close(f)
	end
end

local function wrap(f)
	return debug.setmetatable(f, class)
end
wrap(stdin)
wrap(stdout)
wrap(stderr)

local function is_file(f)
	return type(f) == "userdata" and debug.getmetatable(f) == class
end

local most = 60 -- arguments of one call into Go

-- written turns what write brought into what a script gets.
local function written(f, ok, message, code)
	if ok then
		return f
	end
	if ok == false then
		error(message, 3)
	end
	return ok, message, code
end

local function write_to(f, ...)
	local n = select("#", ...)
	if n <= most then
		return written(f, write(f, ...))
	end
	local args, from = { ... }, 1
	while from <= n do
		local ok, message, code = write(f, table.unpack(args, from, from + most - 1 < n and from + most - 1 or n))
		if not ok then
			return written(f, ok, message, code)
		end
		from = from + most
	end
	return f
end
methods.write = write_to

-- iterator gives the function that lines returns.
local function iterator(f, ends, ...)
	if select("#", ...) == 0 then
		return function()
			return next_(f, ends)
		end
	end
	local formats = { n = select("#", ...), ... }
	if formats.n > most then
		error("bad argument #" .. most + 1 .. " to 'lines' (too many arguments)", 3)
	end
	return function()
		return next_(f, ends, table.unpack(formats, 1, formats.n))
	end
end

function methods.lines(f, ...)
	if not is_file(f) then
		error("bad argument #1 to 'lines' (FILE* expected, got " .. type(f) .. ")", 2)
	end
	if kind(f) ~= "file" then
		error("attempt to use a closed file", 2)
	end
	return (iterator(f, false, ...))
end

local function opened(f, message, code)
	if f then
		return wrap(f)
	end
	if f == false then
		error(message, 3)
	end
	return f, message, code
end

-- tidy makes room where scripts do not close what they open: Lua does not know what a forgotten file costs.
local function tidy()
	if P.std_crowded() then
		collectgarbage()
	end
end

function io.open(...)
	tidy()
	return opened(P.std_open(...))
end

function io.popen(...)
	tidy()
	return opened(P.std_popen(...))
end

function io.tmpfile()
	return opened(P.std_tmpfile())
end

function io.type(...)
	if select("#", ...) == 0 then
		error("bad argument #1 to 'type' (value expected)", 2)
	end
	local f = ...
	return is_file(f) and kind(f) or nil
end

local input, output = stdin, stdout

-- current is a default file, which may have been closed.
local function current(f, what)
	if kind(f) ~= "file" then
		error("default " .. what .. " file is closed", 3)
	end
	return f
end

local function must_open(name, mode)
	tidy()
	local f, message = P.std_open(name, mode)
	if f then
		return wrap(f)
	end
	name = tostring(name)
	if f == nil and message:sub(1, #name + 2) == name .. ": " then
		message = "cannot open file '" .. name .. "' (" .. message:sub(#name + 3) .. ")"
	end
	error(message, 3)
end

function io.input(f)
	if type(f) == "string" or type(f) == "number" then
		input = must_open(f, "r")
	elseif f ~= nil then
		if not is_file(f) then
			error("bad argument #1 to 'input' (FILE* expected, got " .. type(f) .. ")", 2)
		end
		input = f
	end
	return input
end

function io.output(f)
	if type(f) == "string" or type(f) == "number" then
		output = must_open(f, "w")
	elseif f ~= nil then
		if not is_file(f) then
			error("bad argument #1 to 'output' (FILE* expected, got " .. type(f) .. ")", 2)
		end
		output = f
	end
	return output
end

function io.read(...)
	return read(current(input, "input"), ...)
end

function io.write(...)
	return write_to(current(output, "output"), ...)
end

function io.lines(name, ...)
	if name == nil then
		return (iterator(current(input, "input"), false, ...))
	end
	local f = must_open(name, "r")
	return iterator(f, true, ...), nil, nil, f
end

function io.close(f)
	if f == nil then
		return close(current(output, "output"))
	end
	return close(f)
end

function io.flush()
	return P.std_flush(current(output, "output"))
end

io.stdin, io.stdout, io.stderr = stdin, stdout, stderr

-- print: one line, one write.
function print(...)
	local n = select("#", ...)
	local line
	if n == 1 then
		line = tostring((...))
	elseif n == 0 then
		line = ""
	else
		local parts = { ... }
		line = tostring(parts[1])
		for i = 2, n do
			line = line .. "\t" .. tostring(parts[i])
		end
	end
	write(stdout, line, "\n")
end

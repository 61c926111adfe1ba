-- socket: the Socket class, core.tcp().
local P = ...

local collectgarbage, setmetatable = collectgarbage, setmetatable

local S = {}
local mt = P.class("Socket", S)

function S:connect(address, port) return P.socket_connect(self[0], address, port) end
function S:receive(pattern, prefix) return P.socket_receive(self[0], pattern, prefix) end
function S:send(data, first, last) return P.socket_send(self[0], data, first, last) end
function S:settimeout(seconds) return P.socket_settimeout(self[0], seconds) end
function S:getpeername() return P.socket_name(self[0], true) end
function S:getsockname() return P.socket_name(self[0], false) end
function S:close() return P.socket_close(self[0]) end
function S:setoption() return 1 end
S.connect_ssl = P.later("Socket.connect_ssl")

-- Lua does not know what a forgotten connection costs.
function core.tcp()
	if P.socket_crowded() then
		collectgarbage()
	end
	return setmetatable({ [0] = P.socket_new() }, mt)
end

-- httpclient: the HTTPClient class, core.httpclient().
local P = ...

local error, setmetatable, type = error, setmetatable, type

local C = {}
local mt = P.class("HTTPClient", C)

for method, verb in pairs({ get = "GET", head = "HEAD", put = "PUT", post = "POST", delete = "DELETE" }) do
	C[method] = function(_, request)
		return P.httpclient_do(verb, request)
	end
end

function core.httpclient()
	return setmetatable({}, mt)
end

-- header: HTTPHeader objects. [1] is the handle, [2] says whether it is an answer's.
local P = ...

local setmetatable = setmetatable
local path, method, status, value, all, matches =
	P.header_path, P.header_method, P.header_status, P.header_value, P.header_all, P.header_match

local mt, H = P.class("an HTTPHeader")

function H:is_request() return not self[2] end
function H:is_response() return self[2] end
function H:get_path() return path(self[1], self[2]) end
function H:get_method() return method(self[1], self[2]) end
function H:get_status() return status(self[1], self[2]) end
function H:get_value(name) return value(self[1], self[2], name) end
function H:get_all_headers() return all(self[1], self[2]) end
function H:is_method(name) return method(self[1], self[2]) == name end
function H:match_value(name, regex) return matches(self[1], self[2], name, regex) end

function P.header(h, answer) return setmetatable({ h, answer }, mt) end

-- ac: T.ac and its objects. [1] is the matcher.
local P = ...

local setmetatable = setmetatable
local search = P.ac_match
local mt, A = P.class("an AC object")

function A:match_all(text) return search(self[1], text, false) end
function A:match_one(text) return search(self[1], text, true) end

function T.ac(list)
	return setmetatable({ (P.ac_new(list)) }, mt)
end

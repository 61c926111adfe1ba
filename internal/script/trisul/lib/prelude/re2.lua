-- re2: T.re2 and its objects. [1] is the compiled expression.
local P = ...

local setmetatable = setmetatable
local matches, groups = P.re2_match, P.re2_groups
local mt, R = P.class("an RE2 object")

function R:partial_match(text) return matches(self[1], text, false) end
function R:full_match(text) return matches(self[1], text, true) end
function R:partial_match_n(text) return groups(self[1], text, false, -1) end
function R:full_match_n(text) return groups(self[1], text, true, -1) end

-- Two results for c1 and three for c2, also where there is no match.
function R:partial_match_c1(text)
	local ok, a = groups(self[1], text, false, 1)
	return ok, a
end

function R:partial_match_c2(text)
	local ok, a, b = groups(self[1], text, false, 2)
	return ok, a, b
end

function T.re2(pattern, options)
	return setmetatable({ (P.re2_new(pattern, options)) }, mt)
end

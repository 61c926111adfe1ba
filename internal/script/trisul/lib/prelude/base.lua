-- base: the table T, and what every class prelude builds on.
--
-- P is the private table of the state: Go functions under their registered names, views and emitters, and what preludes
-- share with one another. Scripts never see it.
local P = ...

T = {}
for name, value in pairs(P.facts()) do
	T[name] = value
end

T.K = {
	loglevel = { EMERG = 0, FATAL = 1, ALERT = 2, CRIT = 3, ERROR = 4, WARN = 5, NOTICE = 6, INFO = 7, DEBUG = 8 },
	vartype = T.vartype,
	vartypes = T.vartype, -- the name that one page of the documentation has
}
T.vartype = nil

-- class makes the metatable of the objects of one class. What an object stands for is in its fields [1], [2] and so on:
-- handles and plain values. travels says that it is worth something in another state too.
function P.class(name, methods, travels)
	methods = methods or {}
	return {
		__name = name,
		__index = methods,
		__travel = travels or false,
		__tostring = function() return name end,
	}, methods
end

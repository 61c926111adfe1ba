-- host: T.host, whose functions are methods, and T.env, whose functions are not.
local P = ...

local error, type = error, type

-- method makes a function of T.host, to be called with ':'; one that was called with '.' works as well.
local function method(f)
	return function(self, ...)
		if self == T.host then
			return f(...)
		end
		return f(self, ...)
	end
end

T.host = {
	get_homenets = method(P.host_homenets),
	is_homenet = method(P.host_is_homenet),
	is_homenet_key = method(P.host_is_homenet_key),
	get_configpath = method(P.host_config_path),
	get_datapath = method(P.host_data_path),
	prepare_config = method(P.host_prepare_config),
}

-- What needs an engine; states that have one put it in.
local function needs_engine(name)
	return function()
		error("T.host:" .. name .. ": this is not possible in a worker; return a string, and do it in onresult", 2)
	end
end
T.host.createkey = needs_engine("createkey")
T.host.broadcast = needs_engine("broadcast")

T.env = {
	configfile = P.env_file(),
	get_config = P.env_config,
	domain_configfile = P.env_file(),
	get_domain_config = P.env_config,
}

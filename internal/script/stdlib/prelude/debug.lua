-- debug: the engine's hook is what stops a runaway script, and the registry is where it keeps its own; neither is a
-- script's to change.
if not debug then
	return
end
function debug.sethook()
	error("debug.sethook: the hook belongs to eddy, which bounds the script's time with it", 2)
end
function debug.gethook()
	return nil
end
function debug.getregistry()
	return {}
end

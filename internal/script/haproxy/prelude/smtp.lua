-- smtp: smtp_send_email, in its three forms.
--
--   smtp_send_email(server, port, domain, from, to, msg)
--   smtp_send_email("server:port", timeout_ms, domain, from, to, msg)
--   smtp_send_email{server=, port=, domain=, from=, to= (string or list), msg=, auth={user=, pass=, mech=},
--                   starttls=, tls=, insecure=, timeout= (milliseconds)}
--
-- All return true, or false and the reason.
local P = ...

local type = type

function smtp_send_email(server, ...)
	if type(server) == "table" then
		return P.smtp_send_table(server)
	end
	return P.smtp_send(server, ...)
end

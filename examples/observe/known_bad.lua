-- Raises an alert for each file whose hash is on a list. It listens to what hash_files.lua logs: run both.

local FILE_HASHES = "{9781DB2C-F78A-4F7F-A7E8-2B1A9A7BE71A}"
local USER_ALERTS = "{B5F1DECB-51D5-4395-B71B-6FA730B772D9}"

local bad = {
  ["20005a7be968bb81f1ccdb43ad281ef9c865fe37"] = "an installer that nobody wants",
}

TrisulPlugin = {

  id = { name = "Known bad files", description = "Alerts about files by their hash" },

  resource_monitor = {

    resource_guid = FILE_HASHES,

    onnewresource = function(engine, resource)
      local what = bad[resource:uri()]
      if what then
        engine:add_alert(USER_ALERTS, resource:flow():id(), "KNOWN-BAD-FILE", 1, what .. ": " .. resource:label())
      end
    end,
  },
}

-- A hook for every Ethernet frame that does next to nothing.
local packets = 0

TrisulPlugin = {
  id = { name = "onpacket", description = "Counts frames" },

  simplecounter = {
    protocol_guid = "{974FB098-DE46-45DB-94DA-8D64A3BBCDE5}",
    onpacket = function(engine, layer)
      packets = packets + 1
    end,
  },
}

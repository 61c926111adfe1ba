-- Counts IPv4 packets by size, in a counter group of its own.

local PACKET_SIZES = "{5B0E2F66-7D0C-4B6A-9C1E-3A8C51D4F0B7}"
local IPV4 = "{0A2C724B-5B9F-4BA6-9C97-B05080558574}"

local classes = { { 128, "1 to 127" }, { 512, "128 to 511" }, { 1024, "512 to 1023" }, { math.huge, "1024 and more" } }

TrisulPlugin = {

  id = { name = "Packet sizes", description = "How long packets are" },

  countergroup = {
    control = { guid = PACKET_SIZES, name = "Packet sizes", description = "IPv4 packets by length in bytes", bucketsize = 60 },
    meters = {
      { 0, T.K.vartype.COUNTER, 10, 0, "Packets", "packets of this size", "packets" },
    },
  },

  simplecounter = {

    protocol_guid = IPV4,

    onpacket = function(engine, layer)
      local length = layer:total_bytes()
      for _, class in ipairs(classes) do
        if length < class[1] then
          engine:update_counter(PACKET_SIZES, class[2], 0, 1)
          return
        end
      end
    end,
  },
}

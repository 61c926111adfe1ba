-- Brings packets from a text file that --args names: a line has the time in seconds and an Ethernet frame in hexadecimal.

local lines

TrisulPlugin = {

  id = { name = "Packets from text", description = "An input filter" },

  onload = function()
    lines = assert(io.lines(T.args))
  end,

  inputfilter = {

    step = function(packet, engine)
      local line = lines()
      if not line then return false end -- the end
      local seconds, frame = line:match("^(%d+)%s+(%x+)$")
      if seconds then
        packet:set_packet(tonumber(seconds), 0, 1, T.util.hex2bin(frame))
      end
      return true
    end,
  },
}

-- buffer: Buffer objects. [1] is a view's handle, [2] the span of the buffer's bytes, [3] the span that may be read:
-- of a packet's layer that goes on to the packet's end, as plugins look behind a header with it.
local P = ...

local concat, format, byte, sub = table.concat, string.format, string.byte, string.sub
local setmetatable = setmetatable
local len, u8, u16, u24, u32, part = P.view_len, P.view_u8, P.view_u16, P.view_u24, P.view_u32, P.view_sub
local append, write = P.buffer_append, P.buffer_write

local mt, B = P.class("a Buffer")

function B:size() return len(self[1], self[2]) end
B.length = B.size
function B:hval_8(off) return u8(self[1], self[3], off) end
function B:hval_16(off) return u16(self[1], self[3], off) end
function B:hval_24(off) return u24(self[1], self[3], off) end
function B:hval_32(off) return u32(self[1], self[3], off) end

function B:tostring(off, size)
	local h, span = self[1], self[2]
	if size then
		return part(h, self[3], off or 0, size)
	end
	if off and off > len(h, span) then
		span = self[3]
	end
	return part(h, span, off or 0)
end

-- hexdump: 16 bytes a line, as in
-- 00000010   b3 1d 11 42 9d f3 41 98 0a 55 a0 01 00 04 43 48    ...B..A..U....CH
function B:hexdump(off, size)
	local bytes, lines = self:tostring(off, size), {}
	for from = 1, #bytes, 16 do
		local row, hex, text = sub(bytes, from, from + 15), {}, {}
		for i = 1, #row do
			local b = byte(row, i)
			hex[i] = format("%02x", b)
			text[i] = b >= 32 and b < 127 and sub(row, i, i) or "."
		end
		lines[#lines + 1] = format("%08x   %-47s    %s\n", from - 1, concat(hex, " "), concat(text))
	end
	return concat(lines)
end

function B:appendtofile(file) return append(self[1], self[2], file) end
function B:writetofile(file, off) return write(self[1], self[2], file, off) end

-- buffer makes the object for a hook's bytes.
function P.buffer(h) return setmetatable({ h, 0, 0 }, mt) end
-- layer_buffer makes the one for two spans of a packet.
function P.layer_buffer(h, span, reach) return setmetatable({ h, span, reach }, mt) end
P.Buffer = mt

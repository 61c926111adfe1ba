package filter

import (
	"encoding/binary"

	"eddy/internal/fastpath/packet"
)

// Instruction is one of classic BPF, laid out as the kernel's struct sock_filter.
type Instruction struct {
	Op     uint16
	Jt, Jf uint8
	K      uint32
}

// Program is a classic BPF program: https://docs.kernel.org/networking/filter.html. It is immutable.
type Program []Instruction

// Operations, as sums of the parts that <linux/bpf_common.h> names.
const (
	opLoadImm  = 0x00
	opLoadAbsW = 0x20
	opLoadAbsH = 0x28
	opLoadAbsB = 0x30
	opLoadIndW = 0x40
	opLoadIndH = 0x48
	opLoadIndB = 0x50
	opLoadMem  = 0x60
	opLoadLen  = 0x80

	opLoadXImm = 0x01
	opLoadXMem = 0x61
	opLoadXLen = 0x81
	opLoadXMsh = 0xb1 // X = 4 * (byte & 15): the length of an IPv4 header

	opStore  = 0x02
	opStoreX = 0x03

	opAdd = 0x04
	opSub = 0x14
	opMul = 0x24
	opDiv = 0x34
	opOr  = 0x44
	opAnd = 0x54
	opLsh = 0x64
	opRsh = 0x74
	opNeg = 0x84
	opMod = 0x94
	opXor = 0xa4

	opJump = 0x05
	opJeq  = 0x15
	opJgt  = 0x25
	opJge  = 0x35
	opJset = 0x45

	opReturn  = 0x06
	opReturnA = 0x16
	opTax     = 0x07
	opTxa     = 0x87

	// byX makes the operand of arithmetic and of jumps register X instead of K.
	byX = 0x08
)

// Loads from behind ancillary get what the kernel keeps beside a frame, <linux/filter.h>.
const (
	ancillary          = 0xfffff000
	ancillaryVLAN      = ancillary + 44
	ancillaryVLANThere = ancillary + 48
)

// memory is how many cells a program has for its own use.
const memory = 16

// Match tells whether a frame is wanted.
func (p Program) Match(f *packet.Frame) bool { return p.Run(f) != 0 }

// Run executes the program and gives what it returns: how many bytes of the frame are wanted, at most. Any goroutine
// may call it. What the kernel would refuse to load returns 0, as does a load from behind the frame.
func (p Program) Run(f *packet.Frame) uint32 {
	var a, x uint32
	var mem [memory]uint32
	for pc := 0; pc < len(p); pc++ { // jumps go forward only, so that this ends
		in := &p[pc]
		k := in.K
		switch in.Op {
		case opLoadAbsW, opLoadAbsH, opLoadAbsB:
			v, ok := load(f, in.Op, uint64(k))
			if !ok {
				return 0
			}
			a = v
		case opLoadIndW, opLoadIndH, opLoadIndB:
			v, ok := load(f, in.Op-opLoadIndW+opLoadAbsW, uint64(x)+uint64(k))
			if !ok {
				return 0
			}
			a = v
		case opLoadXMsh:
			v, ok := load(f, opLoadAbsB, uint64(k))
			if !ok {
				return 0
			}
			x = v & 15 * 4
		case opLoadImm:
			a = k
		case opLoadLen:
			a = f.Wire
		case opLoadMem:
			a = mem[k%memory]
		case opLoadXImm:
			x = k
		case opLoadXLen:
			x = f.Wire
		case opLoadXMem:
			x = mem[k%memory]
		case opStore:
			mem[k%memory] = a
		case opStoreX:
			mem[k%memory] = x
		case opTax:
			x = a
		case opTxa:
			a = x
		case opReturn:
			return k
		case opReturnA:
			return a
		case opJump:
			pc += int(k)
		case opJeq, opJgt, opJge, opJset, opJeq | byX, opJgt | byX, opJge | byX, opJset | byX:
			if in.Op&byX != 0 {
				k = x
			}
			if jumps(in.Op&^byX, a, k) {
				pc += int(in.Jt)
			} else {
				pc += int(in.Jf)
			}
		default:
			if in.Op&byX != 0 {
				k = x
			}
			v, ok := calculate(in.Op&^byX, a, k)
			if !ok {
				return 0
			}
			a = v
		}
	}
	return 0
}

// load reads a big-endian number of the size that op says.
func load(f *packet.Frame, op uint16, at uint64) (v uint32, ok bool) {
	if at >= ancillary {
		return beside(f, at)
	}
	size := uint64(4)
	switch op {
	case opLoadAbsH:
		size = 2
	case opLoadAbsB:
		size = 1
	}
	if at+size > uint64(len(f.Data)) {
		return 0, false
	}
	b := f.Data[at:]
	switch size {
	case 4:
		return binary.BigEndian.Uint32(b), true
	case 2:
		return uint32(binary.BigEndian.Uint16(b)), true
	default:
		return uint32(b[0]), true
	}
}

// beside reads what stands beside a frame.
func beside(f *packet.Frame, at uint64) (v uint32, ok bool) {
	switch at {
	case ancillaryVLAN:
		return f.VLAN & 0xffff, true
	case ancillaryVLANThere:
		return f.VLAN >> 16 & 1, true
	default:
		return 0, false
	}
}

func jumps(op uint16, a, k uint32) bool {
	switch op {
	case opJeq:
		return a == k
	case opJgt:
		return a > k
	case opJge:
		return a >= k
	default:
		return a&k != 0
	}
}

func calculate(op uint16, a, k uint32) (v uint32, ok bool) {
	switch op {
	case opAdd:
		return a + k, true
	case opSub:
		return a - k, true
	case opMul:
		return a * k, true
	case opDiv:
		if k == 0 {
			return 0, false
		}
		return a / k, true
	case opMod:
		if k == 0 {
			return 0, false
		}
		return a % k, true
	case opOr:
		return a | k, true
	case opAnd:
		return a & k, true
	case opXor:
		return a ^ k, true
	case opLsh:
		return a << k, true
	case opRsh:
		return a >> k, true
	case opNeg:
		return -a, true
	default:
		return 0, false
	}
}

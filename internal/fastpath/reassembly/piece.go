package reassembly

// piece is a run of a stream's bytes: data stands at pos, and the cut bytes after it were sent, but not captured.
type piece struct {
	pos  int64
	data []byte
	cut  int64
}

func (p *piece) end() int64 { return p.pos + int64(len(p.data)) + p.cut }

func (p *piece) empty() bool { return len(p.data) == 0 && p.cut == 0 }

// trimStart removes what stands before pos and says how many bytes that was.
func (p *piece) trimStart(pos int64) int64 {
	n := min(pos-p.pos, p.end()-p.pos)
	if n <= 0 {
		return 0
	}
	inData := min(n, int64(len(p.data)))
	p.data = p.data[inData:]
	p.cut -= n - inData
	p.pos += n
	return n
}

// trimEnd removes what stands from pos on.
func (p *piece) trimEnd(pos int64) {
	n := min(p.end()-pos, p.end()-p.pos)
	if n <= 0 {
		return
	}
	inCut := min(n, p.cut)
	p.cut -= inCut
	p.data = p.data[:int64(len(p.data))-(n-inCut)]
}

package filter

import "fmt"

// label is a place in the program that is jumped to; jumps go forward only, as BPF wants it.
type label int

// generator makes a program from a tree.
type generator struct {
	keep   uint32
	code   []step
	places []int // of labels: index into code
	text   string
}

// step is an instruction; one that branches has labels instead of distances.
type step struct {
	Instruction
	branch bool
	yes    label
	no     label
	far    bool // a label is further away than a branch reaches: it takes two jumps besides
}

// maxProgram is how many instructions the kernel takes (BPF_MAXINSNS).
const maxProgram = 4096

// generate makes a program that returns keep for frames of which the tree is true. The text says why there is none.
func generate(tree node, keep uint32) (program Program, text string) {
	g := &generator{keep: keep}
	yes, no := g.label(), g.label()
	tree.branch(g, yes, no)
	g.place(yes)
	g.emit(opReturn, keep)
	g.place(no)
	g.emit(opReturn, 0)
	if g.text != "" {
		return nil, g.text
	}
	if program = g.link(); len(program) > maxProgram {
		return nil, fmt.Sprintf("the filter needs %d instructions, and the kernel takes %d", len(program), maxProgram)
	}
	return program, ""
}

func (g *generator) label() label {
	g.places = append(g.places, -1)
	return label(len(g.places) - 1)
}

// place puts a label before the next instruction.
func (g *generator) place(l label) { g.places[l] = len(g.code) }

func (g *generator) emit(op uint16, k uint32) {
	g.code = append(g.code, step{Instruction: Instruction{Op: op, K: k}})
}

// branchIf emits a conditional jump; yes and no are placed later.
func (g *generator) branchIf(op uint16, k uint32, yes, no label) {
	g.code = append(g.code, step{Instruction: Instruction{Op: op, K: k}, branch: true, yes: yes, no: no})
}

// fail keeps the first reason why there is no program.
func (g *generator) fail(text string) {
	if g.text == "" {
		g.text = text
	}
}

// link turns labels into distances.
func (g *generator) link() Program {
	at := make([]int, len(g.code)+1) // where each step begins
	const reach = 255
	for again := true; again; {
		again = false
		for i := range g.code {
			at[i+1] = at[i] + 1
			if g.code[i].far {
				at[i+1] += 2
			}
		}
		for i := range g.code {
			s := &g.code[i]
			if !s.branch || s.far {
				continue
			}
			if at[g.places[s.yes]]-at[i]-1 > reach || at[g.places[s.no]]-at[i]-1 > reach {
				s.far, again = true, true
			}
		}
	}
	program := make(Program, 0, at[len(g.code)])
	for i := range g.code {
		s := &g.code[i]
		in := s.Instruction
		if !s.branch {
			program = append(program, in)
			continue
		}
		yes, no := at[g.places[s.yes]], at[g.places[s.no]]
		if !s.far {
			in.Jt, in.Jf = uint8(yes-at[i]-1), uint8(no-at[i]-1)
			program = append(program, in)
			continue
		}
		in.Jt, in.Jf = 0, 1
		program = append(program, in,
			Instruction{Op: opJump, K: uint32(yes - at[i] - 2)},
			Instruction{Op: opJump, K: uint32(no - at[i] - 3)})
	}
	return program
}

// Package syntax cuts configuration text into lines of words (configuration.txt §2.1 to §2.6): quotes, escapes,
// environment variables, conditional blocks, and the formats of times and sizes. It knows no keyword.
//
// A Reader belongs to one goroutine.
package syntax

import "eddy/internal/config/diag"

// Bounds of what is read. HAProxy allows 64 words; a configuration never needs these.
const (
	MaxLine    = 64 << 10 // bytes in a line, before and after variables are put in
	MaxWords   = 1024     // words in a line
	MaxNesting = 64       // .if blocks in each other
)

// Word is one word of a line with quotes and escapes resolved.
type Word struct {
	Text string
	// Pos is where the text begins: behind the opening quote when the word begins with one, so that an offset
	// in a wholly quoted word is still a column.
	Pos diag.Pos
	// Quoted: some part of it was in quotes or escaped, so it is not meant as a keyword of the grammar.
	Quoted bool
}

// Line is one statement: at least one word.
type Line struct {
	Pos   diag.Pos // of the first word
	Words []Word
	// Broken: something is wrong with the text, and was reported. Words are those before it; they help to tell what
	// later lines can mean, no more.
	Broken bool
}

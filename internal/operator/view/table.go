package view

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Column is one of a Table.
type Column struct {
	Title string
	Right bool // numbers stand to the right
	Min   int  // width, so that the pages of a list look alike
}

// Paint colours a cell that has been padded already, or leaves it as it is. Row -1 is the heading.
type Paint func(row, column int, text string) string

// Table is rows of text whose cells print, in columns.
type Table struct {
	Columns []Column
	Rows    [][]string
}

// add appends a row.
func (t *Table) add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write writes the rows, below their heading when that is asked for. paint may be nil.
func (t *Table) Write(w io.Writer, heading bool, paint Paint) error {
	var b strings.Builder
	for _, line := range t.Lines(heading, paint) {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Narrow gives the table without as many of the columns with these titles, the first ones first, as it takes to fit into
// width characters.
func (t *Table) Narrow(width int, titles ...string) *Table {
	widths := t.widths()
	total := (len(widths) - 1) * len(gap)
	for _, w := range widths {
		total += w
	}
	kept := t
	for _, title := range titles {
		if total <= width {
			break
		}
		i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Title == title })
		if i < 0 {
			continue
		}
		total -= widths[i] + len(gap)
		kept = kept.without(title)
	}
	return kept
}

func (t *Table) without(title string) *Table {
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Title == title })
	out := &Table{Columns: slices.Delete(slices.Clone(t.Columns), at, at+1)}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, slices.Delete(slices.Clone(row), at, at+1))
	}
	return out
}

const gap = "  " // between columns

func (t *Table) widths() []int {
	widths := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		widths[i] = max(c.Min, utf8.RuneCountInString(c.Title))
		for _, row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	return widths
}

// Lines is Write into lines without ends.
func (t *Table) Lines(heading bool, paint Paint) []string {
	widths := t.widths()
	var lines []string
	if heading {
		titles := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			titles[i] = c.Title
		}
		lines = append(lines, t.line(-1, titles, widths, paint))
	}
	for i, row := range t.Rows {
		lines = append(lines, t.line(i, row, widths, paint))
	}
	return lines
}

func (t *Table) line(row int, cells []string, widths []int, paint Paint) string {
	var b strings.Builder
	for i, text := range cells {
		if i > 0 {
			b.WriteString(gap)
		}
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
		last := i == len(cells)-1
		switch {
		case t.Columns[i].Right:
			text = pad + text
		case !last:
			text += pad
		}
		if paint != nil {
			text = paint(row, i, text)
		}
		b.WriteString(text)
	}
	return b.String()
}

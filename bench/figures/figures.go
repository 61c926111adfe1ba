// Package figures has what the reports of comparisons share: medians, numbers for people, the machine's name, and the place
// in a document that a report is written to.
package figures

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
)

// Median of no values is 0.
func Median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	if n == 0 {
		return 0
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// MB is a number of bytes in units of a million.
func MB(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// Thousands is a whole number with a comma before every three digits.
func Thousands(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Machine is "PROCESSOR, N cores, KERNEL; GO VERSION".
func Machine() string {
	return fmt.Sprintf("%s, %d cores, %s; %s", processor(), runtime.NumCPU(), kernel(), runtime.Version())
}

func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}

// FirstLine is what a program says about itself when it is asked with that argument, up to so many words.
func FirstLine(words int, program, argument string) string {
	out, _ := exec.Command(program, argument).CombinedOutput() // some exit with an error, and answer all the same
	first, _, _ := strings.Cut(string(out), "\n")
	fields := strings.Fields(first)
	if len(fields) == 0 {
		return program
	}
	return strings.Join(fields[:min(words, len(fields))], " ")
}

// UpdateSection replaces what stands in a Markdown file between <!-- NAME: begin --> and <!-- NAME: end -->.
func UpdateSection(path, name, report string) error {
	from, to := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(text), from)
	_, tail, closed := strings.Cut(rest, to)
	if !found || !closed {
		return fmt.Errorf("%s has no markers %q and %q", path, strings.TrimSpace(from), strings.TrimSpace(to))
	}
	return os.WriteFile(path, []byte(head+from+report+to+tail), 0o644)
}

package capture

import "eddy/internal/fastpath/packet"

// fileFilter is a filter for a file, whose interfaces may differ in their link types: it is compiled for each that is met.
type fileFilter struct {
	expr  string // "": everything is wanted
	known map[packet.Link]Filter
	link  packet.Link // of current
	now   Filter
}

// set takes the expression. What is wrong with it for every link type is said now.
func (f *fileFilter) set(expr string) error {
	if expr == "" {
		return nil
	}
	f.expr, f.known = expr, map[packet.Link]Filter{}
	return f.use(packet.LinkEthernet)
}

// use makes the filter for a link type current.
func (f *fileFilter) use(link packet.Link) error {
	if f.expr == "" {
		return nil
	}
	filter, ok := f.known[link]
	if !ok {
		var err error
		if filter, err = CompileFilter(f.expr, link, MaxFrame); err != nil {
			return err
		}
		f.known[link] = filter
	}
	f.link, f.now = link, filter
	return nil
}

func (f *fileFilter) match(fr *packet.Frame) (bool, error) {
	if fr.Link != f.link {
		if err := f.use(fr.Link); err != nil {
			return false, err
		}
	}
	return f.now.Match(fr), nil
}

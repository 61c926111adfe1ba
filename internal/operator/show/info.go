package show

import (
	"fmt"
	"strconv"

	"eddy/internal/operator/visible"
)

// about is what is known of a field of "show info".
type about struct {
	kind
	desc string
}

// fields says it of those that HAProxy has too, or that need words.
func fields() map[string]about {
	return map[string]about{
		"Name":          {kind{"PNSV", "str"}, "name of the program"},
		"Version":       {kind{"PNSV", "str"}, "version of the program"},
		"Nbthread":      {kind{"CGSV", "u32"}, "number of threads"},
		"Nbproc":        {kind{"CGSV", "u32"}, "number of processes; always 1"},
		"Process_num":   {kind{"KGPV", "u32"}, "number of this process; always 1"},
		"Pid":           {kind{"SGPV", "u32"}, "process id"},
		"Uptime":        {kind{"MDPV", "str"}, "time since the start"},
		"Uptime_sec":    {kind{"MDPV", "u32"}, "seconds since the start"},
		"Ulimit-n":      {kind{"CLPV", "u32"}, "limit of open files"},
		"Maxconn":       {kind{"CLPV", "u32"}, "limit of connections; 0: none"},
		"CurrConns":     {kind{"MGPV", "u32"}, "client connections now"},
		"CumConns":      {kind{"MCPV", "u64"}, "client connections since the start"},
		"CumReq":        {kind{"MCPV", "u64"}, "requests since the start"},
		"ConnRate":      {kind{"MRPV", "u32"}, "connections over the last second"},
		"SessRate":      {kind{"MRPV", "u32"}, "requests over the last second"},
		"Tasks":         {kind{"MGPV", "u32"}, "goroutines"},
		"BytesIn":       {kind{"MCPV", "u64"}, "bytes from clients since the start"},
		"TotalBytesOut": {kind{"MCPV", "u64"}, "bytes to clients since the start"},
		"Stopping":      {kind{"SGPV", "u32"}, "1: the process is stopping"},
		"DroppedLogs":   {kind{"MCPV", "u64"}, "log lines lost since the start"},
		"node":          {kind{"CNSV", "str"}, "name of this machine"},
		"description":   {kind{"CNSV", "str"}, "description of the configuration"},
	}
}

// of gives what is known of a field; of others, what follows from the value.
func of(all map[string]about, f Field) about {
	a, known := all[f.Name]
	switch {
	case known:
	case f.IsInt:
		a.kind = kind{"MGPV", "s64"}
	default:
		a.kind = kind{"SOPV", "str"}
	}
	return a
}

func (f Field) text() string {
	if f.IsInt {
		return strconv.FormatInt(f.Int, 10)
	}
	return f.Text
}

func (r *request) info() error {
	given, err := r.options(r.args, "typed", "json", "desc", "float")
	if err != nil {
		return err
	}
	var all []Field
	if r.Info != nil {
		all = r.Info()
	}
	known := fields()
	list := []typedField{}
	for i, f := range all {
		a, desc := of(known, f), ""
		if given["desc"] {
			desc = fmt.Sprintf(":%q", a.desc)
		}
		switch {
		case given["json"]:
			list = append(list, typedField{Field: fieldName{i, f.Name}, Process: 1, Tags: a.words(), Value: a.value(f.text())})
		case given["typed"]:
			fmt.Fprintf(r.out, "%s%s\n", a.line(fmt.Sprintf("%d.%s", i, f.Name), f.text()), desc)
		default:
			fmt.Fprintf(r.out, "%s: %s%s\n", f.Name, visible.Text(f.text(), maxText), desc)
		}
	}
	if given["json"] {
		return r.json(list)
	}
	return nil
}

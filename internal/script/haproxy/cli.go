package haproxy

import (
	"context"
	"slices"
	"strings"

	"eddy/internal/script/vm"
)

// Command is an admin command that a script registered.
type Command struct {
	Path  []string
	Usage string
}

// Commands lists them in the order of registration.
func (b *Binding) Commands() []Command {
	out := make([]Command, 0, len(b.reg.commands))
	for _, r := range b.reg.commands {
		out = append(out, Command{r.path, r.usage})
	}
	return out
}

// CLI runs the command with the longest path that words begin with, and reports false when there is none. It returns
// when the script has ended; its output goes to io. All words are handed to the script, those of the path too
// (lua-api, core.register_cli). A failure is logged and returned.
func (b *Binding) CLI(ctx context.Context, words []string, io AppletIO) (found bool, err error) {
	var best *registration
	for _, r := range b.reg.commands {
		if len(r.path) <= len(words) && slices.Equal(r.path, words[:len(r.path)]) && (best == nil || len(r.path) > len(best.path)) {
			best = r
		}
	}
	if best == nil {
		return false, nil
	}
	u := b.units[slices.IndexFunc(best.fns, func(f vm.Ref) bool { return f != 0 })]
	k := &call{b: b, u: u, ctx: ctx, what: "cli", name: strings.Join(best.path, " "), applet: newApplet(io)}
	k.handle = b.handles.Add(1) << handleShift
	defer k.release()
	args := []vm.Value{vm.Int(k.handle)}
	for _, w := range words {
		args = append(args, vm.Str(w))
	}
	err = k.run(ctx, best.in(u), vm.KindCLI, u.limits.session, args...)
	k.applet.hand(true)
	if err != nil {
		k.report(err)
		return true, err
	}
	return true, nil
}

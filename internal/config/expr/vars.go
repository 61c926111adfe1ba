package expr

import (
	"strings"

	"eddy/internal/config/diag"
)

var varScopes = []string{"proc", "sess", "txn", "req", "res"}

// SplitVar cuts "txn.name" into scope and name. It reports false when either is not as configuration.txt §2.8 wants
// it; dots in the name are taken as HAProxy takes them.
func SplitVar(text string) (scope, name string, ok bool) {
	scope, name, ok = strings.Cut(text, ".")
	if !ok || name == "" {
		return scope, name, false
	}
	known := false
	for _, s := range varScopes {
		known = known || s == scope
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isNameByte(c) || c == '-' || c == '+' {
			return scope, name, false
		}
	}
	return scope, name, known
}

// CheckVar reports what is wrong with a variable's name, for set-var and its kin.
func CheckVar(d *diag.List, pos diag.Pos, text string) bool {
	scope, name, ok := SplitVar(text)
	if ok {
		return true
	}
	switch {
	case name == "":
		d.Errorf(pos, "a variable is written scope.name; scopes are "+strings.Join(varScopes, ", "), "%q is no variable", text)
	case scope == "check" || scope == "psess" || scope == "ptxn" || scope == "preq" || scope == "pres":
		d.Errorf(pos, "", "HAProxy has the variable scope %q, eddy does not have it yet", scope)
	default:
		hint := diag.DidYouMean(scope, varScopes)
		for _, s := range varScopes {
			if s == scope {
				d.Errorf(pos, "use letters, digits and '_'", "a character in the variable %q is not allowed", text)
				return false
			}
		}
		if hint == "" {
			hint = "scopes are " + strings.Join(varScopes, ", ")
		}
		d.Errorf(pos, hint, "%q is no scope of variables", scope)
	}
	return false
}

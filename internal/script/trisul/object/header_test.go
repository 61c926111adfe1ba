package object

import "testing"

func TestTargetPath(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "/a/b": "/a/b", "/a?x=/b": "/a", "/a#f": "/a", "http://h/a/b?x": "/a/b", "https://h": "/", "http://h?x=1": "/", "*": "*",
		"/redirect?to=http://h/x": "/redirect", "/a://b": "/a://b", "": "",
	} {
		if got := targetPath(target); got != want {
			t.Errorf("%q: %q, want %q", target, got, want)
		}
	}
}

package sample

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

func TestOracle(t *testing.T) {
	for _, f := range strings.Fields(os.Getenv("ORACLE")) {
		r, _ := os.Open(f)
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			e, want, _ := strings.Cut(sc.Text(), " => ")
			if strings.HasPrefix(want, "ERR") {
				continue
			}
			func() {
				t.Run(e, func(t *testing.T) {
					env := testEnv()
					tx := testTx(t, env, testRequest)
					got := evaluate(t, env, tx, e)
					if got == "none" {
						got = "[]"
					}
					if got != want {
						t.Errorf("%s: got %s want %s", e, got, want)
					}
				})
			}()
		}
	}
}

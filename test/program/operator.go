package program

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"eddy/internal/operator/view"
)

// Ask says a command on a stats socket and gives the answer. Nobody there is "", and an error.
func Ask(socket, command string) (string, error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// Say is Ask, of one who is there for certain.
func Say(t testing.TB, socket, command string) string {
	t.Helper()
	answer, err := Ask(socket, command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return answer
}

// Queues asks a stats socket for the figures of all queues, by name.
func Queues(socket string) (map[string]view.Queue, error) {
	answer, err := Ask(socket, "show queues json")
	if err != nil {
		return nil, err
	}
	var q view.Queues
	if err := json.NewDecoder(strings.NewReader(answer)).Decode(&q); err != nil {
		return nil, err
	}
	byName := make(map[string]view.Queue)
	for _, v := range q.Queues {
		byName[v.Name] = v
	}
	return byName, nil
}

// Queue asks for the figures of a queue that is there.
func Queue(t testing.TB, socket, name string) view.Queue {
	t.Helper()
	all, err := Queues(socket)
	if err != nil {
		t.Fatal(err)
	}
	q, known := all[name]
	if !known {
		t.Fatalf("no queue %q among %d", name, len(all))
	}
	return q
}

// Until waits until a condition holds, and calls what it waits for when that does not come.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// Drained waits until nothing is left, as long as it gets less.
func Drained(t testing.TB, what string, left func() int64) {
	t.Helper()
	least, end := left(), time.Now().Add(patience)
	for ; least > 0; time.Sleep(10 * time.Millisecond) {
		switch n := left(); {
		case n < least:
			least, end = n, time.Now().Add(patience)
		case time.Now().After(end):
			t.Fatalf("%s: %d are left, and that gets no less for %v", what, n, patience)
		}
	}
}

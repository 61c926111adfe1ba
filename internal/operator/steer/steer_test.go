package steer_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/operator/admin"
	"eddy/internal/operator/view"
)

func TestShow(t *testing.T) {
	r := newRig(t)
	path := r.serve(admin.Operator)
	if got := r.ask(path, "show jobs"); got != "no jobs" {
		t.Errorf("got %q", got)
	}
	origin := job.Origin{Where: "mail.lua:14", Request: "request 1F3C"}
	dead := r.push(job.Body{Handler: "die" + hostile, Key: "k" + hostile, Origin: origin}, 0, job.Dead)
	r.push(job.Body{Handler: "slow"}, 0, job.Running)
	r.push(job.Body{Handler: "fail"}, 0, job.Retrying)
	r.push(job.Body{Handler: "ok"}, time.Hour, job.Scheduled)
	r.ask(path, "pause queue email")
	r.push(job.Body{Code: []byte("sealed"), Owner: "haproxy"}, 0, job.Ready)

	for _, tt := range []struct{ line, want string }{
		{"show jobs", `
JOB STATE QUEUE HANDLER KEY PRI TRIES AGE NEXT BYTES LAST ERROR
ID running email slow - 0 1/2 AGE - N -
ID ready email (function) - 0 0/2 AGE - N -
ID retrying email fail - 0 1/2 AGE AGE N try later
ID scheduled email ok - 0 0/2 AGE AGE N -
ID dead email die\x1b[2J\x0d\x0a\x0d\x0a\u{202e}fake\x00 k\x1b[2J\x0d\x0a\x0d\x0a\u{202e}fake\x00 0 1/2 AGE - N mail.lua:20: refused \x1b[2J\x0d\x0a\x0d\x0a\u{202e}fake\x00`},
		{"show jobs email state retrying,ready", `
JOB STATE QUEUE HANDLER KEY PRI TRIES AGE NEXT BYTES LAST ERROR
ID retrying email fail - 0 1/2 AGE AGE N try later
ID ready email (function) - 0 0/2 AGE - N -`},
		{"show jobs handler fail", `
JOB STATE QUEUE HANDLER KEY PRI TRIES AGE NEXT BYTES LAST ERROR
ID retrying email fail - 0 1/2 AGE AGE N try later`},
		{"show jobs default", "no jobs"},
		{"show jobs emial", "no queue \"emial\"\ndid you mean \"email\"?"},
		{"show jobs stat", "no queue \"stat\"\ndid you mean \"state\"?"},
		{"show jobs email stat dead", "\"stat\" is not known here\ndid you mean \"state\"?"},
		{"show jobs state daed", "\"daed\" is not a state that jobs are kept in\ndid you mean \"dead\"?"},
		{"show jobs limit x", "limit wants a number from 1 up, not \"x\""},
		{"show jobs limit", "limit wants a word behind it"},
		{"show jobs key a key b", "key is there twice"},
		{"show queues mail", "no queue \"mail\"\ndid you mean \"email\"?"},
		{"show queues email what", "\"what\" is too much\nshow queues [NAME] [json] : queues of jobs, or all about one"},
		{"show queues", `
QUEUE STORE STATE READY SCHEDULED RUNNING RETRYING DEAD BYTES OLDEST BUSY PUSHED DONE FAILED REFUSED
email memory paused 1 1 1 1 1 N AGE 1/2 5 0 2 0
default memory running 0 0 0 0 0 0 - 0/2 0 0 0 0`},
		{"show job " + strings.ToLower(dead.String()), `
job: ID
queue: email
state: dead for AGE
handler: die\x1b[2J\x0d\x0a\x0d\x0a\u{202e}fake\x00
key: k\x1b[2J\x0d\x0a\x0d\x0a\u{202e}fake\x00
priority: 0
attempts: 1 of 2
size: N
timeline:
 AT pushed by mail.lua:14, request 1F3C
 AT attempt 1 failed: mail.lua:20: refused \x1b[2J\x0d
 \u{202e}fake\x00
 stack traceback:
 mail.lua:20: \x1b[2J
 \u{202e}fake\x00
 AT dead
payload:
 {
 "to": "a@b\u001b[2J\r\n\r\n\u202efake\u0000"
 }`},
		{"show job", "this command wants more words\nshow job ID [json] : all about a job"},
		{"show job abc", "\"abc\" is not the id of a job: it has 3 characters, an id has 13, as in ID\nshow jobs lists jobs with their ids"},
		{"show job 0000000000001", "no job ID\nit has ended well, was deleted, or was never here"},
	} {
		got := sizes(same(r.ask(path, tt.line)))
		if want := strings.TrimPrefix(tt.want, "\n"); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.line, got, want)
		}
	}
	close(r.goOn)
}

// sizes takes the bytes of jobs out of a text, as how they are counted is the store's.
func sizes(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		switch {
		case len(words) > 9 && words[0] == "ID":
			words[9] = "N"
		case len(words) > 9 && words[0] == "email":
			words[8] = "N"
		case words[0] == "size:":
			words[1] = "N"
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}

func TestJSON(t *testing.T) {
	r := newRig(t)
	path := r.serve(admin.Admin)
	id := r.push(job.Body{Handler: "die", Unique: "order-1", Origin: job.Origin{Where: "a.lua:1"}}, 0, job.Dead)
	into := func(line string, to any) {
		t.Helper()
		text := r.ask(path, line)
		if err := json.Unmarshal([]byte(text), to); err != nil {
			t.Fatalf("%s: %v: %s", line, err, text)
		}
	}
	var queues view.Queues
	into("show queues json", &queues)
	if len(queues.Queues) != 2 || queues.Queues[0].Name != "email" || queues.Queues[0].Jobs.Dead != 1 || queues.Queues[0].Counts.Died != 1 || queues.Queues[0].Handlers[0].Failed != 1 {
		t.Errorf("queues: %+v", queues)
	}
	into("show queues default json", &queues)
	if len(queues.Queues) != 1 || queues.Queues[0].Name != "default" {
		t.Errorf("one queue: %+v", queues)
	}
	var jobs view.Jobs
	into("show jobs json", &jobs)
	if len(jobs.Jobs) != 1 || jobs.Jobs[0].ID != id.String() || jobs.Jobs[0].Failures[0].Traceback != "" || jobs.Jobs[0].Data != nil || len(jobs.More) != 0 {
		t.Errorf("jobs: %+v", jobs)
	}
	into("show jobs state ready json", &jobs)
	if len(jobs.Jobs) != 0 {
		t.Errorf("no jobs: %+v", jobs)
	}
	var j view.Job
	into("show job "+id.String()+" json", &j)
	if j.State != "dead" || j.Unique != "order-1" || !strings.Contains(j.Failures[0].Text, hostile) || !strings.Contains(j.Failures[0].Traceback, hostile) ||
		!strings.Contains(string(j.Data), `\u001b[2J`) || j.Since == nil || j.Where != "a.lua:1" {
		t.Errorf("job: %+v", j)
	}
	for line, want := range map[string]view.Answer{
		"retry dead email limit 5 json":     {Done: 1, Text: "1 dead job of queue email: another attempt now"},
		"pause queue default json":          {Done: 1, Text: "queue default is paused; 0 jobs are still running"},
		"pause queue json":                  {Fail: view.NotFound},
		"show job 0000000000001 json":       {Fail: view.NotFound},
		"show job x json":                   {Fail: view.Usage},
		"purge queue emial json":            {Fail: view.NotFound},
		"edit job " + id.String() + " json": {Fail: view.Usage},
	} {
		if line == "pause queue json" {
			if got := r.ask(path, line); !strings.Contains(got, `no queue "json"`) { // it is a name there
				t.Errorf("%s: %s", line, got)
			}
			continue
		}
		var a view.Answer
		into(line, &a)
		if a.Fail != want.Fail || want.Fail == "" && a != want {
			t.Errorf("%s: %+v", line, a)
		}
	}
}

func TestSteer(t *testing.T) {
	r := newRig(t)
	path := r.serve(admin.Admin)
	says := func(line, want string) {
		t.Helper()
		if got := same(r.ask(path, line)); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
	dead := r.push(job.Body{Handler: "die"}, 0, job.Dead)
	<-r.started

	// Edited, and tried again: it dies again, as its handler does that.
	says("edit job "+dead.String()+` {"to": ["x\ \ y", 1, 2.0]}`, "job ID of queue email has another payload")
	if got := r.ask(path, "show job "+dead.String()+" json"); !strings.Contains(got, `"data":{"to":["x  y",1,2.0]}`) {
		t.Errorf("edited: %s", got)
	}
	says("edit job "+dead.String()+" <<\n{\"to\":\n \"a;b \\\\ c\"}\n", "job ID of queue email has another payload")
	if got := r.ask(path, "show job "+dead.String()+" json"); !strings.Contains(got, `"data":{"to":"a;b \\ c"}`) {
		t.Errorf("edited: %s", got)
	}
	says("edit "+dead.String()+" {", "the payload: not JSON: it ends too early\na payload is JSON; on the command's own line \\ ; and blanks in texts want a \\ before them, behind it (\"<<\") nothing does")
	says("edit "+dead.String()+" <<\n{\n", "the payload: not JSON: it ends too early")
	says("edit job "+dead.String(), "the payload is missing\nedit job ID DATA|<< [json] : give a job that waits or is dead another payload, written as JSON")
	says("retry "+dead.String(), "job ID of queue email has its next attempt now; it was dead")
	if id := <-r.started; id != dead {
		t.Errorf("job %v began", id)
	}
	r.until(dead, job.Dead)

	// One that runs can't be tried again or edited; deleting cancels it.
	slow := r.push(job.Body{Handler: "slow"}, 0, job.Running)
	<-r.started
	if got := r.ask(path, "retry job "+slow.String()); !strings.Contains(got, "running") {
		t.Errorf("got %q", got)
	}
	if got := r.ask(path, "edit job "+slow.String()+" 1"); !strings.Contains(got, "running") {
		t.Errorf("got %q", got)
	}
	says("delete job "+slow.String(), "job ID of queue email is cancelled and gone")
	r.until(slow, job.Gone)
	says("delete job "+slow.String(), "no job ID\nit has ended well, was deleted, or was never here")

	// Pause: pushes go on. Drain: they do not. Resume ends both.
	says("pause queue email", "queue email is paused; 0 jobs are still running")
	waits := r.push(job.Body{Handler: "ok"}, 0, job.Ready)
	says("retry dead email limit 0", "limit wants a number from 1 up, not \"0\"")
	says("retry "+dead.String(), "job ID of queue email has its next attempt when the queue is resumed; it was dead")
	says("drain email", "queue email takes no more jobs; it is paused, so those that are there wait until it is resumed")
	if got := r.ask(path, "show queues email"); !strings.Contains(got, "paused, draining") {
		t.Errorf("got %s", got)
	}
	says("resume queue email", "queue email takes jobs and does them")
	for range 2 {
		if id := <-r.started; id != waits && id != dead {
			t.Errorf("job %v began", id)
		}
	}
	r.until(waits, job.Gone)
	r.until(dead, job.Dead)
	says("drain email", "queue email takes no more jobs, and does those that are there")
	says("resume email", "queue email takes jobs and does them")

	// Purge leaves running jobs alone, unless they are named.
	slow = r.push(job.Body{Handler: "slow"}, 0, job.Running)
	r.push(job.Body{Handler: "ok"}, time.Hour, job.Scheduled)
	says("purge queue email state daed", "\"daed\" is not a state that jobs are kept in\ndid you mean \"dead\"?")
	says("purge queue email stat dead", "\"stat\" is too much\npurge queue NAME [state S,...] [json] : take jobs away: all but running ones, or those of these states")
	says("purge queue email state dead", "1 job of queue email: gone")
	says("purge queue email", "1 job of queue email: gone")
	r.until(slow, job.Running)
	says("purge queue email state running", "1 job of queue email: gone")
	r.until(slow, job.Gone)
	if got := r.ask(path, "show jobs"); got != "no jobs" {
		t.Errorf("left: %s", got)
	}
}

// A list is cut where its limit says, and the hint goes on there, through all states, until every job was shown once.
func TestPages(t *testing.T) {
	r := newRig(t)
	path := r.serve(admin.Operator)
	r.ask(path, "pause queue email")
	want := map[string]bool{}
	for i := range 230 {
		want[r.push(job.Body{Handler: "ok", Key: "a;b c"}, 0, job.Ready).String()] = true
		if i%5 == 0 {
			want[r.push(job.Body{Handler: "ok", Key: "a;b c"}, time.Hour-time.Duration(i)*time.Second, job.Scheduled).String()] = true
		}
	}
	r.push(job.Body{Handler: "ok", Key: "other"}, 0, job.Ready)
	for _, limit := range []int{7, 100, 150, 1000} {
		seen := map[string]bool{}
		line := fmt.Sprintf(`show jobs email key a\;b\ c limit %d`, limit)
		for rounds := 0; line != ""; rounds++ {
			if rounds > 100 {
				t.Fatal("there is no end")
			}
			text := r.ask(path, line)
			line = ""
			n := 0
			for row := range strings.SplitSeq(text, "\n") {
				if next, ok := strings.CutPrefix(row, "more: "); ok {
					line = next
				}
				id, _, _ := strings.Cut(row, " ")
				if len(id) == 13 {
					if seen[id] || !want[id] {
						t.Fatalf("limit %d: job %s is shown again, or is none of those", limit, id)
					}
					seen[id] = true
					n++
				}
			}
			if n > limit || n < limit && line != "" {
				t.Errorf("limit %d: %d jobs, then %q", limit, n, line)
			}
		}
		if len(seen) != len(want) {
			t.Errorf("limit %d: %d of %d jobs", limit, len(seen), len(want))
		}
	}
	var jobs view.Jobs
	if err := json.Unmarshal([]byte(r.ask(path, "show jobs limit 7 json")), &jobs); err != nil || len(jobs.Jobs) != 7 || len(jobs.More) != 1 || jobs.More[0].After != jobs.Jobs[6].ID {
		t.Errorf("%+v, %v", jobs, err)
	}
}

func TestLevels(t *testing.T) {
	r := newRig(t)
	user, operator, all := r.serve(admin.User), r.serve(admin.Operator), r.serve(admin.Admin)
	for line, needs := range map[string]admin.Level{
		"show queues": admin.User, "show jobs": admin.Operator, "show job X": admin.Operator, "retry job X": admin.Operator, "retry X": admin.Operator,
		"retry dead email": admin.Operator, "pause queue email": admin.Operator, "resume email": admin.Operator, "drain queue default": admin.Operator,
		"delete job X": admin.Admin, "delete X": admin.Admin, "edit job X 1": admin.Admin, "purge queue email": admin.Admin, "purge email": admin.Admin,
	} {
		for level, path := range map[admin.Level]string{admin.User: user, admin.Operator: operator, admin.Admin: all} {
			if denied := r.ask(path, line) == "Permission denied"; denied != (level < needs) {
				t.Errorf("%s at level %d: denied is %v", line, level, denied)
			}
		}
	}
	help := r.ask(user, "help")
	if !strings.Contains(help, "show queues") || strings.Contains(help, "purge queue") || strings.Contains(help, "retry job") {
		t.Errorf("help: %s", help)
	}
	if help = r.ask(all, "help purge"); strings.Contains(help, "show queues") || !strings.Contains(help, "purge queue NAME") {
		t.Errorf("help purge: %s", help)
	}
	if got := r.ask(all, "show queus"); !strings.Contains(got, "Did you mean 'show queues'?") {
		t.Errorf("a typo: %s", got)
	}
}

package steer_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"eddy/internal/offpath/job"
	"eddy/internal/offpath/jobstore/memory"
	"eddy/internal/offpath/queue"
	"eddy/internal/operator/admin"
)

// BenchmarkShowJobs lists all jobs of a long queue over a socket; an operation is one job.
func BenchmarkShowJobs(b *testing.B) {
	const jobs = 100000
	for _, line := range []string{"show jobs email limit 1000000", "show jobs email limit 1000000 json"} {
		b.Run(line, func(b *testing.B) {
			set := queue.NewSet()
			q, err := queue.Open(queue.Options{Name: "email", Store: memory.New(), Log: func(int, string) {}})
			if err != nil {
				b.Fatal(err)
			}
			if err := set.Add(q); err != nil {
				b.Fatal(err)
			}
			defer func() { set.Stop(context.Background()) }()
			for i := range jobs {
				if _, refused := q.Offer(queue.Push{Job: &job.Job{Body: job.Body{Handler: "send"}}, Delay: time.Hour + time.Duration(i%1000)*time.Second}); !refused.OK() {
					b.Fatal(refused.Text)
				}
			}
			path := serve(b, set, admin.Operator)
			b.ResetTimer()
			for done := 0; done < b.N; done += jobs {
				c, err := net.Dial("unix", path)
				if err != nil {
					b.Fatal(err)
				}
				fmt.Fprintln(c, line)
				n := 0
				for s := bufio.NewScanner(c); s.Scan(); {
					n++
				}
				c.Close()
				if n < jobs {
					b.Fatalf("%d lines", n)
				}
			}
		})
	}
}

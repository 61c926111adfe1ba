// Command peers measures other job queues the way bench/jobs measures eddy's. It is a module of its own, so that their
// libraries are none of eddy's.
package main

import (
	"os"

	"eddy/bench/jobs/load"
)

func main() {
	load.Command("peers", os.Args[1:], map[string]load.Open{
		"river":      openRiver,
		"asynq":      openAsynq,
		"beanstalkd": openBeanstalkd,
		"jetstream":  openJetStream,
	})
}

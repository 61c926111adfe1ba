// Command eddy is a traffic engine that runs HAProxy configurations and HAProxy Lua scripts.
package main

import (
	"os"

	"eddy/internal/operator/app"
)

func main() { os.Exit(app.Main()) }

// Package async is the off path as scripts see it: the module async, with which both lanes' scripts push jobs, wait for
// them and take their results, and the Lua states in which their handlers run.
//
//	Shared    what all states of a process have in common: queues, handlers, owners, seal
//	Owner     the scripts of one binding or plugin: their names, and their workers
//	Desk      one state: pushes from it, results to it
//	Workers   the states that do the owner's jobs
//
// How the lanes differ is in Lane.
package async

package txn

// Verdict is what came of running a rule or a list of rules: what the stream does next.
type Verdict uint8

const (
	// Next: nothing decided; the next rule, and after the last one the next step of the stream.
	Next Verdict = iota
	// Accept: stop this list and go on with the stream.
	Accept
	// Answer: Txn.Res holds a local answer (HasRes and Local set); no further rule of the request runs.
	Answer
	// Deny is an Answer that counts as a denied request or response and logs 'P'.
	Deny
	// Reject: close the connection without another byte.
	Reject
	// Drop: let the connection go without telling the peer (silent-drop).
	Drop
	// Abort: an action failed in a way that ends the transaction with 500.
	Abort
	// UseService: Txn.Service answers.
	UseService
	// Wait: a condition looked at bytes that may still grow (Txn.Undecided); run the list again, from the rule that
	// waits, when there are more of them or when Txn.InspectOver.
	Wait
)

// Package limit has the algorithms of limit_req and limit_conn, for whoever
// counts something by a key: requests, connections, sessions. The state is in
// zones that all workers share.
//
//	Rate   a leaky bucket per key: how many a second
//	Count  how many at once per key
//
// Both see a key as bytes. Their methods may be called by any goroutine once
// the zone is mapped, and do not allocate.
package limit

// A Verdict is what a limit says.
type Verdict uint8

const (
	// Passed: the limit is not reached. It is also what is said when the zone
	// was found damaged.
	Passed Verdict = iota
	// Exceeded: the limit is reached.
	Exceeded
	// Full: the zone has no room for the key.
	Full
)

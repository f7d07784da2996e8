package http

import "github.com/baton-project/baton/fd"

// A Sink takes the body of a response, in order. The last one writes to the
// client; a feature puts its own before it by [Request.Filter].
//
// An error means that the exchange is broken: nothing more is to be written.
type Sink interface {
	// Write takes the next bytes; p is the caller's again on return.
	Write(p []byte) error
	// SendFile takes n bytes of f from off as the next bytes. f stays open
	// until the call returns and is the caller's to close.
	SendFile(f *fd.Owned, off, n int64) error
	// Flush sends on what is held back for better packing.
	Flush() error
	// Finish ends the body. It is called exactly once unless an error came
	// before.
	Finish() error
}

// Filter puts a sink into the way of the body; header filters call it. wrap
// gets the sink that is next on the way to the client. Bodies pass the sinks in
// the order in which the filters asked for them.
//
// Whoever changes the body's size sets Out.ContentLength and Out.AllowRanges.
func (r *Request) Filter(wrap func(next Sink) Sink) { r.wraps = append(r.wraps, wrap) }

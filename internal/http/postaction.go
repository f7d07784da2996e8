package http

import (
	"strings"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
)

// runPostAction runs post_action of the request's location when its answer is
// over, whether the client got it or not. What it answers is not sent, but counts
// in the access log, which is that of the location in which it ends.
func (r *Request) runPostAction() {
	if !r.broken {
		_ = r.wire.Flush() // the client need not wait; r remembers an error
	}
	broken, finished, keepAlive := r.broken, r.finished, r.keepAlive
	r.postAction, r.headerSent, r.finished = true, true, true
	for r.redirectsLeft > 0 && r.loc.answers.PostAction.V != "" {
		r.broken = false
		r.Out.HeadersOnly = true
		r.sink = nowhere{}
		to := r.loc.answers.PostAction.V
		if r.Debugging() {
			r.Logf(log.Debug, `post action: "%s"`, to)
		}
		rc := Declined
		if strings.HasPrefix(to, "/") {
			rc = r.InternalRedirect(to, "")
		} else {
			rc = r.NamedLocation(to)
		}
		for rc > 0 || rc == restart {
			if rc == restart {
				rc = r.phasesFrom(r.resume)
				continue
			}
			if rc == StatusNoResponse || rc == StatusClientClosed || rc == 408 {
				break
			}
			rc = r.special(int(rc))
		}
	}
	r.broken, r.finished = broken, finished
	r.keepAlive = keepAlive && r.keepAlive
}

// nowhere is the sink of what nobody gets.
type nowhere struct{}

func (nowhere) Write([]byte) error                     { return nil }
func (nowhere) SendFile(*fd.Owned, int64, int64) error { return nil }
func (nowhere) Flush() error                           { return nil }
func (nowhere) Finish() error                          { return nil }

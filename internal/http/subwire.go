package http

import (
	"errors"
	"io"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/log"
)

// subWire is how a subrequest answers: into the body of the client's answer, into
// memory, or nowhere.
type subWire struct{ r *Request }

var errSubTooLarge = errors.New("too big subrequest response")

func (subWire) sendHead(*Request) error                { return nil }
func (subWire) sendContinue() error                    { return nil }
func (subWire) readBody(*Request, []byte) (int, error) { return 0, io.EOF }
func (subWire) skipBuffered(*Request) bool             { return true }

// Write takes the next bytes of the body.
func (w subWire) Write(p []byte) error {
	w.r.sub.output = w.r.sub.output || len(p) > 0
	if w.r.sub.InMemory {
		return w.keep(p)
	}
	join, err := w.target()
	if err != nil {
		return err
	}
	return w.lost(join.Write(p))
}

// SendFile takes a piece of a file.
func (w subWire) SendFile(f *fd.Owned, off, n int64) error {
	w.r.sub.output = w.r.sub.output || n > 0
	if w.r.sub.InMemory {
		return w.r.EachPiece(f, off, n, w.keep)
	}
	join, err := w.target()
	if err != nil {
		return err
	}
	return w.lost(join.SendFile(f, off, n))
}

// Flush sends on what was written.
func (w subWire) Flush() error {
	state := w.r.sub
	switch {
	case state.background:
		return nil
	case state.main.junction == nil:
		return w.lost(state.main.wire.Flush())
	}
	return w.lost(state.main.junction.Flush())
}

// Finish leaves the client's answer open: it goes on behind the subrequest.
func (subWire) Finish() error { return nil }

// target is where the body goes to.
func (w subWire) target() (Sink, error) {
	state := w.r.sub
	switch {
	case state.background || state.main.junction == nil:
		w.r.Logf(log.Alert, "subrequest has a body before the answer has a head")
		return nil, ErrAnswered
	case state.main.broken:
		return nil, ErrAnswered
	}
	return state.main.junction, nil
}

// lost gives the client's request up when its connection is lost.
func (w subWire) lost(err error) error {
	if err != nil {
		w.r.sub.main.abort()
	}
	return err
}

// keep keeps p in memory. As in nginx an answer that is too large costs the
// client its connection.
func (w subWire) keep(p []byte) error {
	state := w.r.sub
	limit := w.r.loc.answers.SubrequestBuffer.V
	length := w.r.Out.ContentLength
	switch {
	case state.captured != nil || length < 0:
	case length > limit:
		w.r.Logf(log.Error, "too big subrequest response: %d", length)
		return w.lost(errSubTooLarge)
	default:
		state.captured = make([]byte, 0, length)
	}
	if int64(len(state.captured)+len(p)) > limit || length >= 0 && int64(len(state.captured)+len(p)) > length {
		w.r.Logf(log.Error, "too big subrequest response")
		return w.lost(errSubTooLarge)
	}
	state.captured = append(state.captured, p...)
	return nil
}

package ranges

import (
	"errors"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// cut lets one range of the body through.
type cut struct {
	next    http.Sink
	part    h1.Range
	at      int64  // how much of the body has come
	skipped *int64 // of the whole
}

// window gives the part of the next n bytes of the body that is to be sent.
func (c *cut) window(n int64) (from, to int64) {
	at := c.at + *c.skipped
	from = min(max(c.part.Start-at, 0), n)
	to = min(max(c.part.End-at, from), n)
	c.at += n
	return from, to
}

func (c *cut) Write(p []byte) error {
	from, to := c.window(int64(len(p)))
	if from == to {
		return nil
	}
	return c.next.Write(p[from:to])
}

func (c *cut) SendFile(f *fd.Owned, off, n int64) error {
	from, to := c.window(n)
	if from == to {
		return nil
	}
	return c.next.SendFile(f, off+from, to-from)
}

func (c *cut) Flush() error  { return c.next.Flush() }
func (c *cut) Finish() error { return c.next.Finish() }

// errOverlapped breaks the exchange off: the head is sent and promises parts
// that cannot be made.
var errOverlapped = errors.New("range in overlapped buffers")

// multipart sends several ranges, each in its frame. Ranges come in any order
// and may overlap, so the whole body has to come in one call; handlers that
// cannot do that leave AllowRanges alone.
type multipart struct {
	next   http.Sink
	r      *http.Request
	frame  h1.Multipart
	ranges []h1.Range
	done   bool
}

func (m *multipart) Write(p []byte) error {
	return m.all(int64(len(p)), func(part h1.Range) error { return m.next.Write(p[part.Start:part.End]) })
}

func (m *multipart) SendFile(f *fd.Owned, off, n int64) error {
	return m.all(n, func(part h1.Range) error { return m.next.SendFile(f, off+part.Start, part.End-part.Start) })
}

// all sends the whole response for a body of n bytes; send sends a part of it.
func (m *multipart) all(n int64, send func(h1.Range) error) error {
	if m.done || n != m.frame.Size {
		m.r.Logf(log.Alert, "range in overlapped buffers")
		return errOverlapped
	}
	m.done = true
	head := m.r.Scratch(128 + len(m.frame.ContentType))
	for _, part := range m.ranges {
		head = m.frame.AppendPart(head[:0], part)
		if err := m.next.Write(head); err != nil {
			return err
		}
		if err := send(part); err != nil {
			return err
		}
	}
	return m.next.Write(m.frame.AppendEnd(head[:0]))
}

func (m *multipart) Flush() error  { return m.next.Flush() }
func (m *multipart) Finish() error { return m.next.Finish() }

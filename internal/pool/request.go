package pool

// A request is one request of a client, or a part of it that went to one server.
type request struct {
	client *client  // nil: nobody waits for the reply any more
	next   *request // of the client; of the free ones
	behind *request // of the link
	split  *split   // of a request that was split, and of its parts
	part   int      // which part, from 1; 0: the request itself

	note   *note  // for the slow log; nil: none is kept
	held   []byte // reply that came before its turn
	at     int64  // tick at which it was given to the link
	end    int64  // where it ends in what is sent over the link
	size   int
	done   bool
	taken  bool // a part of the reply came
	values bool // a reply of memcached that may be values
	silent bool // the link's own: AUTH or SELECT
	moved  bool // from a link that failed before it was sent
	waits  bool // counted in behind of the client
}

// isNext reports whether the reply goes straight to the client.
func (r *request) isNext() bool {
	c := r.client
	if c == nil {
		return true
	}
	if r.part == 0 {
		return c.head == r
	}
	return r.split.needs(r.part)
}

// take takes bytes of the reply.
func (r *request) take(b []byte) {
	c := r.client
	switch {
	case c == nil:
	case r.part != 0:
		r.split.take(r.part, b)
	case c.head == r:
		c.append(b)
	default:
		if r.held == nil {
			r.held = c.worker.spareFor(len(b))
		}
		r.held = append(r.held, b...)
		c.held += len(b)
	}
}

// finish is the end of the reply. r is not the caller's any more.
func (r *request) finish() {
	c := r.client
	if r.part != 0 {
		r.split.finish(r)
		return
	}
	if c == nil {
		return
	}
	r.done = true
	if c.head == r {
		c.advance()
	}
}

// fail answers with an error instead. r is not the caller's any more.
func (r *request) fail(w *Worker, why string) {
	c := r.client
	switch {
	case r.part != 0:
		r.split.fail(r, why)
	case c == nil:
		w.release(r)
	case r.taken:
		c.close() // half of another reply is there
		w.release(r)
	default:
		r.take([]byte(c.pool.errorReply(why)))
		r.finish()
	}
}

// forget says that the client has gone.
func (r *request) forget() {
	w := r.client.worker
	if s := r.split; s != nil {
		s.forget()
		return
	}
	r.client = nil
	if r.done {
		w.release(r)
	}
}

// advance sends what is complete, and the beginning of what comes next.
func (c *client) advance() {
	w := c.worker
	for !c.closed {
		r := c.head
		if r == nil {
			break
		}
		if r.split != nil && !r.done {
			r.split.advance()
			if c.closed {
				return
			}
		}
		if len(r.held) > 0 {
			c.held -= len(r.held)
			c.append(r.held)
			w.keep(r.held)
			r.held = nil
		}
		if !r.done {
			break
		}
		if c.head = r.next; c.head == nil {
			c.tail = nil
		}
		c.underWay--
		if r.split != nil {
			r.split.release()
		}
		w.release(r)
	}
	c.relieve()
	c.markDirty() // flush resumes it
}

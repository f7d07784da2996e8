package poll

const (
	// relayBuffer is what small amounts pass through; a read that fills it is
	// followed by splice(2).
	relayBuffer = 16 << 10

	// maxSpareBuffers bounds the buffers kept for reuse.
	maxSpareBuffers = 32

	// relayTurn is after how many bytes others get the processor.
	relayTurn = 1 << 20
)

func (r *Reactor) takeBuffer() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.buffers) - 1
	if last < 0 {
		return make([]byte, relayBuffer)
	}
	b := r.buffers[last]
	r.buffers[last] = nil
	r.buffers = r.buffers[:last]
	return b
}

func (r *Reactor) giveBuffer(b []byte) {
	r.mu.Lock()
	if len(r.buffers) < maxSpareBuffers {
		r.buffers = append(r.buffers, b)
	}
	r.mu.Unlock()
}

// relay carries what has come from an end to the other one. over is true when
// there will be no more, or the other end takes no more.
func (t *Tunnel) relay(side int) (why Ending, over bool) {
	r := t.Ends[side].Conn.Reactor()
	buffer := r.takeBuffer()
	defer r.giveBuffer(buffer)
	for turn := int64(0); ; {
		room := t.paceBefore(side, buffer)
		if len(room) == 0 {
			return Ending{}, false
		}
		n, why, err := t.relaySome(side, room)
		if n > 0 {
			if t.moved[side].Add(n) == n {
				t.first[side].Store(r.Tick())
				if t.First != nil {
					t.First(t, side)
				}
			}
			t.last.Store(r.Tick())
		}
		switch {
		case err == ErrAgain:
			return Ending{}, false
		case err != nil:
			return why, true
		}
		if t.paceAfter(side, n) {
			return Ending{}, false
		}
		if turn += n; turn >= relayTurn {
			turn = 0
			r.Yield()
			if t.stopped() {
				return Ending{}, false // leave will see it
			}
		}
	}
}

// relaySome is one read and what has to be written of it, or when that was much,
// a piece by splice as well.
func (t *Tunnel) relaySome(side int, buffer []byte) (moved int64, why Ending, err error) {
	from, to := &t.Ends[side], &t.Ends[1-side]
	if pending := t.Pending[side]; pending != nil {
		t.Pending[side] = nil
		sent, err := to.Stream.Write(pending)
		if err != nil {
			t.keep(side, err, pending[sent:])
		}
		return int64(sent), Ending{Side: 1 - side, Writing: true, Err: err}, err
	}
	n, err := from.Stream.TryRead(buffer)
	if err != nil && n == 0 {
		return 0, Ending{Side: side, Err: err}, err
	}
	sent, err := to.Stream.Write(buffer[:n])
	moved = int64(sent)
	if err != nil {
		t.keep(side, err, buffer[sent:n])
		return moved, Ending{Side: 1 - side, Writing: true, Err: err}, err
	}
	if n < len(buffer) || from.Rate > 0 || from.Stream != Stream(from.Conn) || to.Stream != Stream(to.Conn) {
		return moved, Ending{}, nil
	}
	spliced, err := to.Conn.TrySplice(from.Conn, -1)
	for err == nil && moved < relayTurn {
		moved += spliced
		spliced, err = to.Conn.TrySplice(from.Conn, -1)
	}
	moved += spliced
	if failed, ok := err.(*SpliceError); ok {
		t.keep(side, failed.Err, failed.Unsent)
		return moved, Ending{Side: 1 - side, Writing: true, Err: failed.Err}, failed.Err
	}
	return moved, Ending{Side: side, Err: err}, err
}

// keep saves bytes that could not be written because the tunnel was stopped.
func (t *Tunnel) keep(side int, err error, b []byte) {
	if err != errEnded {
		return
	}
	t.mu.Lock()
	if t.unsent == nil {
		t.unsent = new([2][]byte)
	}
	t.unsent[side] = append([]byte(nil), b...)
	t.mu.Unlock()
}

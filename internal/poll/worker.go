package poll

// maxIdleWorkers bounds the goroutines kept for reuse.
const maxIdleWorkers = 64

// A worker is a goroutine that serves Conns from the queue, and waits, idle,
// when there are none.
type worker struct {
	woken chan struct{} // room for one: waking never waits
}

// enqueue hands c, which is busy, to Serve or Expire. While the loop is awake
// it looks at the queue before it sleeps; otherwise a worker is woken here.
func (r *Reactor) enqueue(c *Conn) {
	r.mu.Lock()
	gone := r.closed.Load() // and if not, whoever closes will find c in the queue
	if !gone {
		r.queue.push(c)
	}
	asleep := r.sleeping.Load()
	r.mu.Unlock()
	switch {
	case gone:
		c.Close()
	case asleep:
		r.wakeWorker()
	}
}

// wakeWorker sets one worker to work, when there is any.
func (r *Reactor) wakeWorker() {
	r.mu.Lock()
	if r.queue.len() == 0 {
		r.mu.Unlock()
		return
	}
	var w *worker
	if last := len(r.idle) - 1; last >= 0 {
		w = r.idle[last]
		r.idle = r.idle[:last]
	} else {
		r.workers++
	}
	r.mu.Unlock()
	r.runnable.Add(1)
	if w == nil {
		go r.work(&worker{woken: make(chan struct{}, 1)})
	} else {
		w.woken <- struct{}{}
	}
}

// work is a worker's life.
func (r *Reactor) work(w *worker) {
	r.runnable.Add(-1)
	for {
		c := r.next(w)
		switch {
		case c == nil:
			if _, ok := <-w.woken; !ok {
				return
			}
			r.runnable.Add(-1)
		case c.flags.And(^expired)&expired != 0:
			c.handler.Expire(c)
		default:
			c.handler.Serve(c)
		}
	}
}

// next returns the Conn to serve, or nil after it has put w among the idle;
// when there are enough of these, w is dismissed.
func (r *Reactor) next(w *worker) *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.queue.pop()
	if c == nil {
		if len(r.idle) == maxIdleWorkers || r.closed.Load() {
			r.workers--
			close(w.woken)
		} else {
			r.idle = append(r.idle, w)
		}
	}
	return c
}

func (r *Reactor) dismissWorkers() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.idle {
		close(w.woken)
	}
	r.workers -= len(r.idle)
	r.idle = nil
}

// A queue is first in, first out, and keeps its memory.
type queue struct {
	conns []*Conn
	head  int
}

func (q *queue) len() int { return len(q.conns) - q.head }

func (q *queue) push(c *Conn) { q.conns = append(q.conns, c) }

// pop returns nil when the queue is empty.
func (q *queue) pop() *Conn {
	if q.head == len(q.conns) {
		return nil
	}
	c := q.conns[q.head]
	q.conns[q.head] = nil
	q.head++
	if q.head == len(q.conns) {
		q.conns, q.head = q.conns[:0], 0
	}
	return c
}

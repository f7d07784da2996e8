package http

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/metrics"
)

// counters are this worker's line of the board. Without a board, or when it has
// no seat left, the worker counts for itself.
func (w *Worker) counters() *metrics.Counters {
	if w.main.board == nil {
		return new(metrics.Counters)
	}
	c, err := w.main.board.Seat()
	if err != nil {
		w.log(log.Alert, err.Error())
		return new(metrics.Counters)
	}
	return c
}

// Stats returns the counters of all workers that share this one's zones.
func (w *Worker) Stats() metrics.Totals {
	if w.main.board == nil {
		return w.stats.Totals()
	}
	return w.main.board.Totals()
}

// monotonic is the machine's monotonic clock, in milliseconds.
func monotonic() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // a valid clock: never fails
	return t.Nano() / int64(time.Millisecond)
}

// Clock is the time in milliseconds of a monotonic clock that all processes of
// this machine share, as of the last turn of the reactor.
func (r *Request) Clock() int64 {
	w := r.conn.worker
	return w.birth + w.reactor.Tick()
}

package http

import (
	"maps"
	"time"

	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/log"
)

// giversBound is how long a draining worker without connections waits for old
// workers that could still hand over to it. They have better heirs by then, and
// have been told.
const giversBound = time.Second

// Host lets Receive accept connections of others, who share the channels. It is
// called before the first Receive.
func (w *Worker) Host(kinds map[string]handover.Kind) { w.guests = kinds }

// Receive accepts connections from an old worker, which is at the other end of
// ch, until it has no more. What arrives in a draining worker is handed on.
func (w *Worker) Receive(ch handover.Channel) {
	kinds := w.Kinds()
	maps.Copy(kinds, w.guests)
	r := handover.NewReceiver(ch, kinds, nil)
	w.mu.Lock()
	if w.receivers == nil {
		w.receivers = make(map[*handover.Receiver]struct{})
	}
	w.receivers[r] = struct{}{}
	w.receiving.Add(1)
	w.mu.Unlock()
	go func() {
		err := r.Run()
		w.mu.Lock()
		delete(w.receivers, r)
		w.mu.Unlock()
		w.receiving.Add(-1)
		if err != nil && !w.draining.Load() {
			w.main.env.Logger.Logf(log.Warn, 0, "handover: %v", err)
		}
		w.left()
	}()
}

// awaitGivers needs w.mu.
func (w *Worker) awaitGivers() {
	if w.patience == nil {
		w.patience = time.AfterFunc(giversBound, w.closeReceivers)
	}
}

// closeReceivers ends all receiving; what is not answered stays where it is.
func (w *Worker) closeReceivers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r := range w.receivers {
		_ = r.Close() // an old worker may have closed it just now
	}
}

package http

// OnEnd has f called when the request has ended, also when its connection broke
// in the middle: for what a sink or handler holds that Finish may never be called
// to give back.
func (r *Request) OnEnd(f func()) { r.endings = append(r.endings, f) }

// Endings is how often OnEnd was called.
func (r *Request) Endings() int { return len(r.endings) }

// CancelEnd takes back what OnEnd was given when Endings was place.
func (r *Request) CancelEnd(place int) { r.endings[place] = nil }

// end calls what OnEnd was given, the latest first, and gives the memory of the
// body back.
func (r *Request) end() {
	for i := len(r.endings) - 1; i >= 0; i-- {
		f := r.endings[i]
		r.endings = r.endings[:i]
		if f != nil {
			f()
		}
	}
	if room := r.bodyRoom; room != nil {
		r.bodyRoom, r.buffered = nil, nil
		r.conn.worker.bodyRooms.Put(room)
	}
}

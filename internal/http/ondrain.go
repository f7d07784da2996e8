package http

// OnDrain has f called when a worker begins to drain: what was kept for later
// requests is to be given up. It may be called more than once.
func (m *MainBuilder) OnDrain(f func()) { m.main.onDrain = append(m.main.onDrain, f) }

func (m *Main) drained() {
	for _, f := range m.onDrain {
		f()
	}
}

package http

import "github.com/baton-project/baton/internal/log"

// OnStart has f called in a worker before it serves. What it returns is called when
// the worker begins to drain; it may be called more than once, and waits for what f
// has begun.
func (m *MainBuilder) OnStart(f func(logger *log.Logger) (stop func())) {
	m.main.onStart = append(m.main.onStart, f)
}

// beginBeside runs what is to run in a worker.
func (w *Worker) beginBeside() {
	for _, f := range w.main.onStart {
		w.stops = append(w.stops, f(w.main.env.Logger))
	}
}

// endBeside ends what beginBeside has begun.
func (w *Worker) endBeside() {
	for _, f := range w.stops {
		f()
	}
}

// TempFolder is [Builder.TempFolder] for what directives of http{} name.
func (m *MainBuilder) TempFolder(p TempPath) { m.main.addTempFolder(p) }

package stubstatus

import (
	"fmt"
	"strconv"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/metrics"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf says whether the directive stands in a block.
type Conf struct {
	on bool
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "stub_status",
	Doc:  "answers with the counters of all workers",
	Directives: conf.Table[Conf]{
		// The argument is what versions before nginx 1.7.5 asked for.
		{Name: "stub_status", In: conf.Server | conf.Location, Args: conf.NoArgs | conf.Take1, Set: (*Conf).turnOn},
	},
	Main:    (*Conf).declare,
	Install: (*Conf).install,
}

func (c *Conf) turnOn(*conf.Directive) error {
	c.on = true
	return nil
}

// declare makes the variables.
func (*Conf) declare(m *http.MainBuilder) error {
	for name, value := range map[string]func(metrics.Totals) int64{
		"connections_active":  func(s metrics.Totals) int64 { return s.Active },
		"connections_reading": func(s metrics.Totals) int64 { return s.Reading },
		"connections_writing": func(s metrics.Totals) int64 { return s.Writing },
		"connections_waiting": func(s metrics.Totals) int64 { return s.Waiting },
	} {
		get := func(r *http.Request) (string, bool) {
			return http.View(strconv.AppendInt(r.Scratch(20), value(r.Stats()), 10)), true
		}
		if err := m.Variable(name, get, 0); err != nil {
			return err
		}
	}
	return nil
}

// install makes it the content of the block where the directive stands, and of
// none below it.
func (c *Conf) install(b *http.Builder) error {
	if c.on && conf.Own[Conf](b.Level()) == c {
		b.Content(serve)
	}
	return nil
}

func serve(r *http.Request) http.Result {
	if r.Method&(h1.GET|h1.HEAD) == 0 {
		return 405
	}
	s := r.Stats()
	text := fmt.Sprintf("Active connections: %d \nserver accepts handled requests\n %d %d %d \nReading: %d Writing: %d Waiting: %d \n",
		s.Active, s.Accepted, s.Handled, s.Requests, s.Reading, s.Writing, s.Waiting)
	return r.Respond(200, "text/plain", text)
}

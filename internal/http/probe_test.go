package http_test

import (
	"errors"
	"io"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
)

// probeConf is a feature for tests: "probe NAME" is a content handler that does
// what features of later days will do.
type probeConf struct {
	name conf.Setting[string]
}

// A gate holds requests back until the test lets them go on.
type gate struct{ entered, open chan struct{} }

func newGate() *gate { return &gate{make(chan struct{}, 10), make(chan struct{})} }

func withProbe(g *gate) []http.Module {
	probe := http.Feature[probeConf]{
		Name: "probe",
		Doc:  "Content handlers for tests.",
		Directives: conf.Table[probeConf]{{
			Name: "probe", In: conf.Location, Args: conf.Take1,
			Set: conf.Str(func(c *probeConf) *conf.Setting[string] { return &c.name }),
		}},
		Install: func(c *probeConf, b *http.Builder) error {
			if own := conf.Own[probeConf](b.Level()); own == c {
				b.Content(func(r *http.Request) http.Result { return probe(r, c.name.V, g) })
			}
			return nil
		},
	}
	return append(features(), probe)
}

func probe(r *http.Request, name string, g *gate) http.Result {
	switch name {
	case "panic":
		panic("as the test wanted")
	case "gate":
		g.entered <- struct{}{}
		<-g.open
		return r.Respond(200, "text/plain", "through\n")
	case "silent":
		return http.Done // forgets to answer
	case "echo":
		return echo(r)
	case "chunks", "trailer":
		if name == "trailer" {
			r.Out.Trailers.Add("X-Sum", "42")
		}
		if r.SendHeader() == nil {
			for _, piece := range []string{"one", "", strings.Repeat("x", 20000), "three"} {
				_ = r.WriteString(piece)
			}
		}
		return http.Done
	case "short":
		r.Out.ContentLength = 10
		if r.SendHeader() == nil {
			_ = r.WriteString("12345")
		}
		return http.Done
	case "big":
		r.Out.ContentLength = 8 << 20
		if r.SendHeader() == nil {
			piece := strings.Repeat("x", 1<<20)
			for range 8 {
				if r.WriteString(piece) != nil {
					break
				}
			}
		}
		return http.Done
	case "late":
		_ = r.SendHeader()
		return 500
	}
	return 404
}

// echo answers with the request's body.
func echo(r *http.Request) http.Result {
	var body []byte
	buf := make([]byte, 1000)
	for {
		n, err := r.ReadBody(buf)
		body = append(body, buf[:n]...)
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *http.BodyError
		if errors.As(err, &broken) {
			return broken.Status
		}
		if err != nil {
			return http.Done
		}
	}
	return r.Respond(200, "text/plain", string(body))
}

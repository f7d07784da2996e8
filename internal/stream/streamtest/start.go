package streamtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/zone"
)

// Start serves site in this process until the test ends, and waits then until its
// last session has.
func Start(t testing.TB, features []stream.Module, site Site) *Server {
	t.Helper()
	s := newServer(t, site)
	files, zones := log.NewFiles(), new(zone.Set)
	t.Cleanup(files.Close)
	t.Cleanup(zones.Close)
	main, err := s.compile(features, site, files, zones)
	if err == nil {
		err = errors.Join(files.Open(), zones.Open(nil, nil))
	}
	if err == nil {
		err = zones.Map()
	}
	if err != nil {
		t.Fatal(err)
	}
	s.serve(main)
	return s
}

// serve runs a worker of main.
func (s *Server) serve(main *stream.Main) {
	t := s.t
	t.Helper()
	var specs []listen.Spec
	for _, l := range main.Listeners() {
		specs = append(specs, l.Spec)
	}
	sockets, err := listen.Open(context.Background(), listen.Config{Want: specs})
	if err != nil {
		t.Fatal(err)
	}
	sockets.Commit()
	t.Cleanup(func() { sockets.Close(true) })
	reactor, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	worker := main.Worker(reactor)
	s.Worker = worker
	for _, l := range main.Listeners() {
		if l.Spec.Address.Datagram() {
			for _, socket := range sockets.Take(l.Spec.Address) {
				worker.ListenDatagrams(l, socket)
			}
			continue
		}
		for _, socket := range sockets.Sockets(l.Spec.Address) {
			if err := worker.Listen(l, socket); err != nil {
				t.Fatal(err)
			}
		}
	}
	done := make(chan error, 1)
	go func() { done <- reactor.Run() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := worker.Drain(ctx); err != nil {
			t.Errorf("sessions are left: %v", err)
		}
		reactor.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := reactor.Close(); err != nil {
			t.Error(err)
		}
		worker.Release()
	})
}

// compile loads site as a worker would.
func (s *Server) compile(features []stream.Module, site Site, files *log.Files, zones *zone.Set) (*stream.Main, error) {
	file := filepath.Join(s.Dir, "baton.conf")
	if err := os.WriteFile(file, []byte("stream {\n"+s.expand(site.Stream)+"\n}\n"), 0o644); err != nil {
		return nil, err
	}
	registry := conf.NewRegistry()
	stream.Register(registry, features)
	tree, err := conf.Parse(file, new(bundle.Recorder), registry, conf.Options{Prefix: s.Dir + "/"})
	if err != nil {
		return nil, err
	}
	logger, err := files.Logger([]log.Spec{{Level: log.Info, Path: filepath.Join(s.Dir, "error.log")}})
	if err != nil {
		return nil, err
	}
	return stream.New(stream.Block(tree), features, stream.Env{
		Files: files, Logger: logger, Hostname: "here.example", Version: "1.31.3", Zones: zones, WorkerConnections: 512,
	})
}

// Rejected gives the reason for which site cannot be loaded, without the place;
// empty when it can.
func Rejected(t testing.TB, features []stream.Module, site Site) string {
	t.Helper()
	s := newServer(t, site)
	files, zones := log.NewFiles(), new(zone.Set)
	defer files.Close()
	defer zones.Close()
	_, err := s.compile(features, site, files, zones)
	if err == nil {
		err = errors.Join(files.Open(), zones.Open(nil, nil))
	}
	var placed *conf.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &placed):
		return s.normal(placed.Msg)
	}
	return s.normal(err.Error())
}

package httptest

import (
	"cmp"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/zone"
	"golang.org/x/sys/unix"
)

// Start serves site in this process until the test ends, and then fails when a
// connection is left.
func Start(t testing.TB, features []http.Module, site Site) *Server {
	t.Helper()
	s := newServer(t, site)
	files := log.NewFiles()
	t.Cleanup(files.Close)
	zones := new(zone.Set)
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
	reactor, err := poll.New()
	if err != nil {
		t.Fatal(err)
	}
	worker := main.Worker(reactor)
	s.Worker = worker
	for _, l := range main.Listeners() {
		if err := worker.Listen(l, listenOn(t, l.Spec.Address.String(), l.Spec.Options.SndBuf)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 1)
	go func() { done <- reactor.Run() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := worker.Drain(ctx); err != nil {
			t.Error(err)
		}
		if left := worker.Stats().Active; left != 0 {
			t.Errorf("%d connections are left", left)
		}
		reactor.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := reactor.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// compile loads site as a worker would.
func (s *Server) compile(features []http.Module, site Site, files *log.Files, zones *zone.Set) (*http.Main, error) {
	file := filepath.Join(s.Dir, "baton.conf")
	if err := os.WriteFile(file, []byte("http {\n"+s.expand(site.HTTP)+"\n}\n"), 0o644); err != nil {
		return nil, err
	}
	registry := conf.NewRegistry()
	http.Register(registry, features)
	tree, err := conf.Parse(file, new(bundle.Recorder), registry, conf.Options{Prefix: s.Dir + "/"})
	if err != nil {
		return nil, err
	}
	logger, err := files.Logger([]log.Spec{{Level: log.Info, Path: filepath.Join(s.Dir, "error.log")}})
	if err != nil {
		return nil, err
	}
	return http.New(http.Block(tree), features, http.Env{
		Files: files, Logger: logger, Prefix: s.Dir + "/", Hostname: "localhost", Zones: zones, WorkerConnections: cmp.Or(site.WorkerConnections, 64),
	})
}

// listenOn opens a listening socket, which the test closes. sndbuf is that of the
// directive listen.
func listenOn(t testing.TB, address string, sndbuf int) *fd.Owned {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	socket, err := fd.FromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	if sndbuf >= 0 {
		if err := unix.SetsockoptInt(socket.Raw(), unix.SOL_SOCKET, unix.SO_SNDBUF, sndbuf); err != nil {
			t.Fatal(err)
		}
	}
	return socket
}

// Rejected gives the reason for which site cannot be loaded, without the place;
// empty when it can.
func Rejected(t testing.TB, features []http.Module, site Site) string {
	t.Helper()
	s := newServer(t, site)
	files := log.NewFiles()
	defer files.Close()
	zones := new(zone.Set)
	defer zones.Close()
	_, err := s.compile(features, site, files, zones)
	if err == nil {
		err = files.Open()
	}
	if err == nil {
		err = zones.Open(nil, nil)
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

// CompareRejected checks that site is refused with the sentence of the real
// nginx.
func CompareRejected(t *testing.T, features []http.Module, site Site) {
	t.Helper()
	nginx, ours := RejectedByNginx(t, site), Rejected(t, features, site)
	if nginx != ours {
		t.Errorf("%s\nnginx: %s\nbaton: %s", site.HTTP, nginx, ours)
	}
}

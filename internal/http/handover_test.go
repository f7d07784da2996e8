package http

import (
	"testing"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/tls"
	"golang.org/x/sys/unix"
)

// FuzzRebuild gives a worker records with any state and descriptors that are no
// connections: it refuses them, without a panic, and closes what came along.
func FuzzRebuild(f *testing.F) {
	for _, s := range []connState{
		{Listen: "127.0.0.1:80", Idle: true, Requests: 1},
		{Listen: "127.0.0.1:80", Answer: &answerState{Head: []byte("GET / HTTP/1.1\r\n\r\n"), URI: "/", Status: 200, Length: 9, Remaining: 9}},
		{Answer: &answerState{Head: []byte("GET / HTTP/1.1\r\n\r\n"), URI: "/", Status: 101,
			Tunnel: &tunnelState{Unsent: [2][]byte{{1}, {2}}}}},
		{Listen: "127.0.0.1:80", Secure: &secureState{Client: &tls.State{Version: 0x304, Suite: 0x1301, Sizes: [3]int{0, 2, 0}, Bulk: []byte{1, 2}}}},
	} {
		rec, err := handover.NewRecord(kindConn, versionOne, 1, &s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(rec.State), byte(0), byte(1))
		f.Add([]byte(rec.State), byte(1), byte(2))
		f.Add([]byte(rec.State), byte(2), byte(3))
	}
	w := &Worker{main: &Main{env: &Env{}}}
	kinds := w.Kinds()
	names := []string{kindConn, kindDownload, kindTunnel, secureKind(kindConn), secureKind(kindDownload), secureKind(kindTunnel)}
	f.Fuzz(func(t *testing.T, state []byte, kind, n byte) {
		var files []*fd.Owned
		for range n % 5 {
			null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, fd.New(null))
		}
		name := names[int(kind)%len(names)]
		taken, err := kinds[name].Accept(&handover.Record{Kind: name, Version: 1, State: state}, files)
		if err == nil || taken != nil {
			t.Fatal("a connection was made of /dev/null")
		}
		for _, o := range files {
			if o.Raw() != -1 {
				t.Fatal("a descriptor stayed open")
			}
		}
	})
}

// What a tunnel had on its way comes back as it was, in the record and beside it.
func TestUnsentBytesTravel(t *testing.T) {
	for _, n := range []int{0, 10, heirs.Inline, 100_000} {
		a, b := make([]byte, n), make([]byte, n/2)
		for i := range a {
			a[i] = byte(i)
		}
		k := &kept{answer: &answerState{Tunnel: new(tunnelState)}, unsent: [2][]byte{a, b}}
		overflow, err := k.pack()
		if err != nil {
			t.Fatal(err)
		}
		got, err := k.answer.Tunnel.unpack(overflow)
		if err != nil || string(got[0]) != string(a) || string(got[1]) != string(b) {
			t.Errorf("%d bytes: %d and %d, %v", n, len(got[0]), len(got[1]), err)
		}
	}
}

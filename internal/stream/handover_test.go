package stream

import (
	"bytes"
	"testing"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/handover"
	"github.com/baton-project/baton/internal/heirs"
	"github.com/baton-project/baton/internal/tls"
	"github.com/baton-project/baton/internal/wire/proxyproto"
	"golang.org/x/sys/unix"
)

// FuzzRebuild gives a worker records with any state and descriptors that are no
// sockets: it refuses them, without a panic, and closes what came along.
func FuzzRebuild(f *testing.F) {
	at80 := basics{Listen: "127.0.0.1:80"}
	for _, s := range []sessionState{
		{basics: basics{Listen: "127.0.0.1:80", Number: 1, Age: 10}},
		{basics: at80, Unsent: [2][]byte{{1}, {2, 3}}, Sizes: [2]int{1, 2}, Said: &proxyproto.Saved{}},
		{basics: at80, Apart: true, Sizes: [2]int{1 << 20, 0}, Shut: [2]bool{false, true}},
		{basics: at80, TLS: [2]*tls.State{{Version: 0x304, Suite: 0x1301, Sizes: [3]int{0, 2, 0}, Bulk: []byte{1, 2}}, nil}},
		{basics: basics{Listen: "127.0.0.1:80", Client: "192.0.2.1:1"}, Local: "127.0.0.1:81", Peer: "127.0.0.1:82", Passes: 1},
	} {
		rec, err := handover.NewRecord(kindTCP, versionOne, 2, &s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(rec.State), byte(2))
		f.Add([]byte(rec.State), byte(3))
	}
	kind := (&Worker{main: &Main{env: &Env{}}}).Kinds()[kindTCP]
	f.Fuzz(func(t *testing.T, state []byte, n byte) {
		var files []*fd.Owned
		for range n % 5 {
			null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, fd.New(null))
		}
		taken, err := kind.Accept(&handover.Record{Kind: kindTCP, Version: versionOne, State: state}, files)
		if err == nil || taken != nil {
			t.Fatal("a session was made of /dev/null")
		}
		for _, o := range files {
			if o.Raw() != -1 {
				t.Fatal("a descriptor stayed open")
			}
		}
	})
}

// What a session had on its way comes back as it was, in the record and beside it.
func TestUnsentBytesTravel(t *testing.T) {
	for _, n := range []int{0, 10, heirs.Inline, 100_000} {
		a, b, c := bytes.Repeat([]byte("a"), n), bytes.Repeat([]byte("b"), n/2), bytes.Repeat([]byte("c"), n/3)
		s := sessionState{Unsent: [2][]byte{a, b}, Sizes: [2]int{n, n / 2}}
		s.TLS[1] = &tls.State{Sizes: [3]int{0, n / 3, 0}, Bulk: c}
		apart, err := s.pack()
		if err != nil {
			t.Fatal(err)
		}
		if apart == nil != (n < heirs.Inline) {
			t.Errorf("%d bytes: apart is %v", n, apart)
		}
		if apart != nil {
			if len(s.Unsent[0]) > 0 || len(s.TLS[1].Bulk) > 0 {
				t.Error("the record has it as well")
			}
			if err := s.unpack(apart); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(s.Unsent[0], a) || !bytes.Equal(s.Unsent[1], b) || !bytes.Equal(s.TLS[1].Bulk, c) {
			t.Errorf("%d bytes: %d, %d and %d came back", n, len(s.Unsent[0]), len(s.Unsent[1]), len(s.TLS[1].Bulk))
		}
	}
}

// A record that no worker of ours would write is refused before anything is made of it.
func TestStatesThatAreRefused(t *testing.T) {
	for name, s := range map[string]sessionState{
		"no second socket":     {},
		"before its time":      {basics: basics{Age: -1}},
		"both sides at an end": {Shut: [2]bool{true, true}},
		"bytes behind the end": {Shut: [2]bool{true, false}, Sizes: [2]int{1, 0}, Unsent: [2][]byte{{1}, nil}},
		"other sizes":          {Sizes: [2]int{2, 0}, Unsent: [2][]byte{{1}, nil}},
		"both here and apart":  {Apart: true, Sizes: [2]int{1, 0}, Unsent: [2][]byte{{1}, nil}},
		"too much":             {Apart: true, Sizes: [2]int{unsentMost + 1, 0}},
		"passed on for ever":   {Passes: maxPasses + 1},
		"fewer than no bytes":  {basics: basics{Sent: -1}},
	} {
		files := 2
		if name == "no second socket" {
			files = 1
		}
		if s.Apart {
			files = 3
		}
		if s.valid(files) {
			t.Errorf("%s: is taken", name)
		}
	}
	if s := (&sessionState{basics: basics{Age: 1}, Sizes: [2]int{1, 0}, Unsent: [2][]byte{{1}, nil}}); !s.valid(2) {
		t.Error("a good one is refused")
	}
}

// FuzzRebuildDialogue gives a worker records of datagram sessions with any state: what
// is no session of one of its sockets is refused, and what came along is closed.
func FuzzRebuildDialogue(f *testing.F) {
	for _, s := range []any{
		&dialogueState{basics: basics{Listen: "127.0.0.1:53", Number: 1}, Socket: 1, From: "127.0.0.1:1", To: "127.0.0.1:53"},
		&dialogueState{Socket: 1, From: "[fe80::1]:1", Scope: 3, To: "[::]:53", Timeout: 5, Quiet: 4, Unbound: true},
		&dialogueState{Socket: 1, From: "127.0.0.1:1", Timeout: -1},
		&socketState{Cookie: 1},
	} {
		rec, err := handover.NewRecord(kindUDP, versionOne, 1, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(rec.State), byte(1))
	}
	w := &Worker{main: &Main{env: &Env{}}}
	w.sockets = []*datagramSocket{{worker: w, cookie: 2}}
	kinds := w.Kinds()
	f.Fuzz(func(t *testing.T, state []byte, n byte) {
		for _, kind := range []string{kindUDP, kindSocket} {
			var files []*fd.Owned
			for range n % 3 {
				null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, fd.New(null))
			}
			taken, err := kinds[kind].Accept(&handover.Record{Kind: kind, Version: versionOne, State: state}, files)
			if kind == kindUDP && (err == nil || taken != nil) {
				t.Fatal("a session was made of /dev/null")
			}
			for _, o := range files {
				if o.Raw() != -1 {
					t.Fatal("a descriptor stayed open")
				}
			}
		}
	})
}

// A record that no worker of ours would write is refused.
func TestDialoguesThatAreRefused(t *testing.T) {
	good := dialogueState{basics: basics{Age: 1}, From: "127.0.0.1:1", To: "[::1]:2", Timeout: 5, Quiet: 4}
	if _, ok := good.route(); !ok || !good.valid(1) {
		t.Error("a good one is refused")
	}
	for name, change := range map[string]func(*dialogueState){
		"no client":       func(s *dialogueState) { s.From = "" },
		"a name":          func(s *dialogueState) { s.To = "localhost:1" },
		"before its time": func(s *dialogueState) { s.Quiet = -1 },
		"for ever":        func(s *dialogueState) { s.Timeout = 1 << 62 },
	} {
		s := good
		change(&s)
		if _, ok := s.route(); ok && s.valid(1) {
			t.Errorf("%s: is taken", name)
		}
	}
	if good.valid(2) {
		t.Error("two descriptors are taken")
	}
}

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/baton-project/baton/fd"
)

// The kinds of messages on the channel between master and worker.
//
//	master to worker: start, then files until one has no More; reopen; accept;
//	                  heirs; quit; terminate
//	worker to master: ready or failed, once; reopen, any time after ready; report
//	                  once while draining
//	master to master: hello; accept
const (
	kindStart     = "start"
	kindFiles     = "files"
	kindReopen    = "reopen"
	kindQuit      = "quit"
	kindTerminate = "terminate"
	kindReady     = "ready"
	kindFailed    = "failed"
	kindAccept    = "accept" // channels to accept connections from
	kindHeirs     = "heirs"  // channels to give connections to
	kindReport    = "report" // how that went
	kindHello     = "hello"  // how many workers could accept
)

// A message is one packet on the channel, as JSON.
type message struct {
	Kind  string
	Start *startMessage `json:",omitempty"`
	Names []string      `json:",omitempty"` // of the descriptors that come along, in order
	More  bool          `json:",omitempty"` // further messages belong to this one

	Channels int     `json:",omitempty"` // how many come along, of accept and heirs
	Instead  bool    `json:",omitempty"` // of heirs: earlier ones are not to be used
	Slot     int     `json:",omitempty"` // of accept between masters: which worker it is for
	Workers  int     `json:",omitempty"` // of hello
	Report   *Report `json:",omitempty"`

	Reason string `json:",omitempty"` // why the worker failed
	Fatal  bool   `json:",omitempty"` // and that a successor would fail likewise
}

// startMessage is Start without descriptors; with Blob, the message carries one.
type startMessage struct {
	Name       string // Program.Name, for titles
	Generation int
	Slot       int
	Settings   Settings
	Blob       bool
	Data       []byte
}

// A packet is a message with the descriptors that go or came along.
type packet struct {
	message
	files []*fd.Owned
}

// room is how many bytes of names one message carries, so that with JSON's
// escapes it stays under fd.MaxMessage in all but absurd cases, which Send
// refuses.
const room = 24 << 10

// filePackets spreads files, lent, over as many packets as they need; at least
// one, of the kind. The packets own duplicates.
func filePackets(kind string, files []File) ([]packet, error) {
	var out []packet
	p := packet{message: message{Kind: kind}}
	size := 0
	for _, f := range files {
		if len(p.files) == fd.MaxDescriptors || size+len(f.Name) > room {
			p.More = true
			out = append(out, p)
			p, size = packet{message: message{Kind: kind}}, 0
		}
		d, err := f.FD.Dup()
		if err != nil {
			fd.CloseAll(p.files)
			closePackets(out)
			return nil, fmt.Errorf("descriptor %q: %w", f.Name, err)
		}
		size += len(f.Name)
		p.Names = append(p.Names, f.Name)
		p.files = append(p.files, d)
	}
	return append(out, p), nil
}

// startPackets is what a worker is started with; it owns duplicates of what h
// lends.
func startPackets(s startMessage, h Handout) ([]packet, error) {
	if len(h.Data) > MaxData {
		return nil, fmt.Errorf("handout data of %d bytes is larger than %d", len(h.Data), MaxData)
	}
	// What the master applies itself is no business of the worker's.
	s.Settings.Env, s.Settings.WorkerEnv, s.Settings.Affinity = nil, nil, nil
	s.Data, s.Blob = h.Data, h.Blob != nil
	out, err := filePackets(kindFiles, h.Files)
	if err != nil {
		return nil, err
	}
	first := packet{message: message{Kind: kindStart, Start: &s, More: true}}
	if h.Blob != nil {
		d, err := h.Blob.Dup()
		if err != nil {
			closePackets(out)
			return nil, fmt.Errorf("blob: %w", err)
		}
		first.files = []*fd.Owned{d}
	}
	return append([]packet{first}, out...), nil
}

func closePackets(list []packet) {
	for _, p := range list {
		fd.CloseAll(p.files)
	}
}

// send sends p. Its descriptors stay the caller's.
func send(ch *fd.Channel, p packet) error {
	b, err := json.Marshal(p.message)
	if err != nil {
		return err
	}
	return ch.Send(b, p.files...)
}

// receive waits for a packet, whose descriptors are the caller's.
func receive(ch *fd.Channel, buf []byte) (packet, error) {
	b, files, err := ch.Receive(buf)
	if err != nil {
		return packet{}, err
	}
	m, err := parseMessage(b, len(files))
	if err != nil {
		fd.CloseAll(files)
		return packet{}, err
	}
	return packet{message: m, files: files}, nil
}

var errMessage = errors.New("malformed message on channel")

// parseMessage reads the bytes of a message that came with n descriptors, and
// checks that the two agree.
func parseMessage(b []byte, n int) (message, error) {
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		return message{}, errMessage
	}
	want := len(m.Names)
	switch m.Kind {
	case kindStart:
		if m.Start == nil || want != 0 {
			return message{}, errMessage
		}
		if m.Start.Blob {
			want = 1
		}
	case kindFiles, kindReopen:
	case kindAccept, kindHeirs:
		if m.Channels < 1 || want != 0 || m.Slot < 0 {
			return message{}, errMessage
		}
		want = m.Channels
	case kindReport:
		if m.Report == nil || !m.Report.sane() {
			return message{}, errMessage
		}
		want = 0
	case kindHello:
		if m.Workers < 0 || m.Workers > maxPeerWorkers {
			return message{}, errMessage
		}
		want = 0
	case kindQuit, kindTerminate, kindReady, kindFailed:
		want = 0
	default:
		return message{}, errMessage
	}
	if n != want {
		return message{}, errMessage
	}
	return m, nil
}

// named pairs a packet's descriptors with their names.
func (p packet) named() []File {
	files := make([]File, len(p.Names))
	for i, name := range p.Names {
		files[i] = File{Name: name, FD: p.files[i]}
	}
	return files
}

// printable makes what a worker said fit for one line of a log.
func printable(s string) string {
	const longest = 1024
	if len(s) > longest {
		s = s[:longest]
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

package bundle

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
)

// Recorder reads files and patterns from the disk and asks for the addresses
// of hosts, each once, and remembers what came of it, failures included. It may
// be used from several goroutines. The zero value is ready.
type Recorder struct {
	// Old are files that may be taken as they were; see [Recorder.ReadObject].
	Old Objects

	mu     sync.Mutex
	bundle Bundle
}

// ReadFile returns the contents of a file, which must not be written to. A
// path is read once, so a FIFO with a password gives its line to all who ask.
func (r *Recorder) ReadFile(name string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e, ok := r.bundle.files[name]; ok {
		return e.result(name)
	}
	e := readEntry(name)
	if r.bundle.files == nil {
		r.bundle.files = make(map[string]entry)
	}
	r.bundle.files[name] = e
	return e.result(name)
}

// Preset makes data what the file of that name holds, whether it exists or not.
// It comes before the first ReadFile of that name.
func (r *Recorder) Preset(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bundle.files == nil {
		r.bundle.files = make(map[string]entry)
	}
	r.bundle.files[name] = entry{Data: data}
}

// Glob returns the files that match pattern as glob(3) does, sorted by bytes.
func (r *Recorder) Glob(pattern string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if names, ok := r.bundle.globs[pattern]; ok {
		return names, nil
	}
	names := glob(pattern)
	if r.bundle.globs == nil {
		r.bundle.globs = make(map[string][]string)
	}
	r.bundle.globs[pattern] = names
	return names, nil
}

// LookupHost returns the addresses of a host, in the order of preference.
func (r *Recorder) LookupHost(name string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h, ok := r.bundle.hosts[name]; ok {
		return h.result()
	}
	h := lookup(name)
	if r.bundle.hosts == nil {
		r.bundle.hosts = make(map[string]host)
	}
	r.bundle.hosts[name] = h
	return h.result()
}

// Bundle returns what was recorded so far.
func (r *Recorder) Bundle() *Bundle {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bundle.clone()
}

func readEntry(name string) entry {
	data, err := os.ReadFile(name)
	if err == nil {
		return entry{Data: data}
	}
	e := entry{Op: "open", Errno: uint32(syscall.EIO)}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		e.Op = pe.Op
	}
	var n syscall.Errno
	if errors.As(err, &n) && n != 0 {
		e.Errno = uint32(n)
	}
	return e
}

// lookup asks as long as the system's resolver configuration wants to wait.
func lookup(name string) host {
	addrs, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", name)
	if err != nil {
		return host{Err: err.Error()}
	}
	var h host
	for _, a := range addrs {
		raw, err := a.Unmap().MarshalBinary()
		if err != nil {
			return host{Err: err.Error()}
		}
		h.Addrs = append(h.Addrs, raw)
	}
	return h
}

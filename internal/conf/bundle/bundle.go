package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"sync"
	"syscall"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/fd"
	"github.com/baton-project/baton/internal/conf"
)

// Bundle is a recording: the files, patterns and host names that a
// configuration needs. It
// answers as the disk did when it was recorded, and never touches the disk.
// The zero value holds nothing. It may be read from several goroutines.
type Bundle struct {
	files map[string]entry
	globs map[string][]string
	hosts map[string]host

	mu      sync.Mutex // guards objects
	objects map[string]*conf.Object
}

// entry is what came of reading a file: its bytes, or the failed call and its
// error number.
type entry struct {
	Data  []byte `cbor:"1,keyasint,omitempty"`
	Op    string `cbor:"2,keyasint,omitempty"`
	Errno uint32 `cbor:"3,keyasint,omitempty"`
	// Version is that of a file that was read as an object.
	Version fileVersion `cbor:"4,keyasint,omitempty"`
}

func (e entry) result(name string) ([]byte, error) {
	if e.Errno != 0 {
		return nil, &fs.PathError{Op: e.Op, Path: name, Err: syscall.Errno(e.Errno)}
	}
	return e.Data, nil
}

// host is what came of looking up a name: its addresses, or why there are none.
type host struct {
	Addrs [][]byte `cbor:"1,keyasint,omitempty"`
	Err   string   `cbor:"2,keyasint,omitempty"`
}

func (h host) result() ([]netip.Addr, error) {
	if h.Err != "" {
		return nil, errors.New(h.Err)
	}
	addrs := make([]netip.Addr, len(h.Addrs))
	for i, raw := range h.Addrs {
		if err := addrs[i].UnmarshalBinary(raw); err != nil {
			return nil, err
		}
	}
	return addrs, nil
}

// ErrNotRecorded is returned for a path that the master did not read: the
// worker would read a configuration of its own.
var ErrNotRecorded = errors.New("not in the bundle")

// ReadFile returns what the file held, which must not be written to, or the
// error that the master got.
func (b *Bundle) ReadFile(name string) ([]byte, error) {
	e, ok := b.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: ErrNotRecorded}
	}
	return e.result(name)
}

// Glob returns the files that matched the pattern.
func (b *Bundle) Glob(pattern string) ([]string, error) {
	names, ok := b.globs[pattern]
	if !ok {
		return nil, &fs.PathError{Op: "glob", Path: pattern, Err: ErrNotRecorded}
	}
	return names, nil
}

// LookupHost returns the addresses of a host as the master found them.
func (b *Bundle) LookupHost(name string) ([]netip.Addr, error) {
	h, ok := b.hosts[name]
	if !ok {
		return nil, fmt.Errorf("host %q is %w", name, ErrNotRecorded)
	}
	return h.result()
}

func (b *Bundle) clone() *Bundle {
	return &Bundle{files: maps.Clone(b.files), globs: maps.Clone(b.globs), hosts: maps.Clone(b.hosts), objects: maps.Clone(b.objects)}
}

// version is raised when an older reader would misunderstand what is written.
const version = 1

// encoded is the form on the wire: CBOR, behind its version.
type encoded struct {
	Version uint32              `cbor:"1,keyasint"`
	Files   map[string]entry    `cbor:"2,keyasint,omitempty"`
	Globs   map[string][]string `cbor:"3,keyasint,omitempty"`
	Hosts   map[string]host     `cbor:"4,keyasint,omitempty"`
}

// ErrVersion is returned by [Decode] for bundles of another version.
var ErrVersion = errors.New("unknown version of bundle")

// Encode returns the bundle as bytes for [Decode].
func (b *Bundle) Encode() ([]byte, error) {
	mode, err := cbor.EncOptions{Sort: cbor.SortCanonical, String: cbor.StringToByteString}.EncMode()
	if err != nil {
		return nil, err
	}
	return mode.Marshal(encoded{Version: version, Files: b.files, Globs: b.globs, Hosts: b.hosts})
}

// Decode reads what Encode wrote. It fails on another version, on bytes that
// are no bundle, and on bytes behind it.
func Decode(data []byte) (*Bundle, error) {
	mode, err := cbor.DecOptions{
		DupMapKey:          cbor.DupMapKeyEnforcedAPF,
		MaxMapPairs:        1 << 20,
		MaxArrayElements:   1 << 20,
		IndefLength:        cbor.IndefLengthForbidden,
		TagsMd:             cbor.TagsForbidden,
		ByteStringToString: cbor.ByteStringToStringAllowed,
		UTF8:               cbor.UTF8DecodeInvalid,
	}.DecMode()
	if err != nil {
		return nil, err
	}
	var e encoded
	if err := mode.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("bundle cannot be read: %w", err)
	}
	if e.Version != version {
		return nil, fmt.Errorf("%w: %d", ErrVersion, e.Version)
	}
	return &Bundle{files: e.Files, globs: e.Globs, hosts: e.Hosts}, nil
}

// Memfd returns the bundle in a sealed memory file, which the caller owns.
func (b *Bundle) Memfd() (*fd.Owned, error) {
	data, err := b.Encode()
	if err != nil {
		return nil, err
	}
	return fd.Memfd("baton-bundle", data)
}

// FromMemfd reads a bundle from a file made by Memfd. o stays open and stays
// the caller's.
func FromMemfd(o *fd.Owned) (*Bundle, error) {
	data, err := fd.ReadSealed(o)
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

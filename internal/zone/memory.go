package zone

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

const pageSize = 4096

// layout changes whenever the meaning of a byte in a zone does, here or in what
// is kept in tables and lines: a new binary then begins with a new zone.
const layout = 1

// Offsets in the header.
const (
	atMagic    = 0  // 8 bytes
	atLayout   = 8  // uint32
	atSize     = 16 // uint64, as declared
	atLock     = 24 // uint64: who has the lock; see lock.go
	atSeed     = 32 // 16 bytes: key of the table's hash
	atDigest   = 48 // 32 bytes: of name, tag and key
	headerSize = 80

	atNewest  = 128 // ref: the ends of the table's list by time of use
	atOldest  = 132 // ref
	atUsed    = 136 // uint32: pages in use
	atNext    = 140 // uint32: page at which to look for a free one
	atPartial = 144 // uint32 for each class: first page with a free cell
	atSpare   = 176 // uint32 for each class: page that is empty and kept for it
	listsEnd  = 208
)

const magic = "BATONZON"

// sealed keeps every process from changing the size: an access behind the end
// would be a SIGBUS.
const sealed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

// memory is the mapping of one zone.
type memory struct {
	name   string
	data   []byte
	self   owner // this process
	notify func(string)
	shape  geometry
	seed   [2]uint64

	mu sync.Mutex // this process's own queue for the lock
}

func rounded(size int64) int64 { return (size + pageSize - 1) &^ (pageSize - 1) }

// header is what the first bytes of a zone of that kind are, but for the seed.
func header(spec Spec) []byte {
	b := make([]byte, headerSize)
	copy(b[atMagic:], magic)
	binary.NativeEndian.PutUint32(b[atLayout:], layout)
	binary.NativeEndian.PutUint64(b[atSize:], uint64(spec.Size))
	digest := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", spec.Name, spec.Tag, spec.Key))
	copy(b[atDigest:], digest[:])
	return b
}

// create makes a zone's file. The caller owns it.
func create(spec Spec) (*fd.Owned, error) {
	name := "baton-zone:" + spec.Name
	n, err := unix.MemfdCreate(name[:min(len(name), 200)], unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd_create() for shared memory zone \"%s\" failed: %w", spec.Name, err)
	}
	o := fd.New(n)
	b := header(spec)
	_, _ = rand.Read(b[atSeed : atSeed+16]) // never fails
	err = unix.Ftruncate(n, max(rounded(spec.Size), minPages*pageSize))
	if err == nil {
		_, err = unix.Pwrite(n, b, 0)
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(n), unix.F_ADD_SEALS, sealed)
	}
	if err != nil {
		o.Close()
		return nil, fmt.Errorf("shared memory zone \"%s\" of %d bytes: %w", spec.Name, spec.Size, err)
	}
	return o, nil
}

// check reports whether f is the file of such a zone.
func check(f *fd.Owned, spec Spec) error {
	var st unix.Stat_t
	if err := unix.Fstat(f.Raw(), &st); err != nil {
		return fmt.Errorf("fstat() failed: %w", err)
	}
	seals, err := unix.FcntlInt(uintptr(f.Raw()), unix.F_GET_SEALS, 0)
	if err != nil || seals&sealed != sealed || st.Size != max(rounded(spec.Size), minPages*pageSize) {
		return errSpec
	}
	have, want := make([]byte, headerSize), header(spec)
	if n, err := unix.Pread(f.Raw(), have, 0); err != nil || n != headerSize {
		return errSpec
	}
	clear(have[atLock : atSeed+16])
	if string(have) != string(want) {
		return errSpec
	}
	return nil
}

// attach maps a file that was checked. The file stays the caller's. The memory is
// unmapped when nobody refers to it any more.
func attach(f *fd.Owned, spec Spec, notify func(string)) (*memory, error) {
	size := max(rounded(spec.Size), minPages*pageSize)
	data, err := unix.Mmap(f.Raw(), 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap() failed: %w", err)
	}
	self, err := thisProcess()
	if err != nil {
		return nil, err
	}
	m := &memory{name: spec.Name, data: data, self: self, notify: notify, shape: shapeOf(size)}
	m.seed[0] = binary.NativeEndian.Uint64(data[atSeed:])
	m.seed[1] = binary.NativeEndian.Uint64(data[atSeed+8:])
	runtime.AddCleanup(m, func(data []byte) { _ = unix.Munmap(data) }, data)
	return m, nil
}

// tell reports to whoever opened the zone.
func (m *memory) tell(format string, args ...any) {
	if m.notify != nil {
		m.notify(fmt.Sprintf("shared memory zone \"%s\": ", m.name) + fmt.Sprintf(format, args...))
	}
}

// word64 is an aligned word of the mapping, for atomic use.
func (m *memory) word64(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&m.data[offset : offset+8][0]))
}

func (m *memory) get(offset int) uint32    { return binary.NativeEndian.Uint32(m.data[offset:]) }
func (m *memory) put(offset int, v uint32) { binary.NativeEndian.PutUint32(m.data[offset:], v) }

// damage is what a look into a zone panics with when it finds something that
// cannot be; [Table.Unlock] catches it.
type damage string

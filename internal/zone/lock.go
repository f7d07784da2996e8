package zone

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The lock word holds the owner, or zero. Bit 31, in the half that futex(2)
// looks at, says that somebody sleeps until it changes.
const (
	futexWait, futexWake = 0, 1

	spins = 100

	// patience is how long a process sleeps for a lock before it looks whether
	// the holder lives. A lock is held for microseconds.
	patience = 20 * time.Millisecond
)

// lock takes the zone's lock. It reports whether it was taken from a process
// that had died with it, perhaps in the middle of a change.
func (m *memory) lock() (broken bool) {
	m.mu.Lock()
	word := m.word64(atLock)
	for range spins {
		if word.CompareAndSwap(0, uint64(m.self)) {
			return false
		}
	}
	for {
		held := owner(word.Load())
		switch {
		case held == 0:
			// Others may sleep: whoever has slept cannot know.
			if word.CompareAndSwap(0, uint64(m.self|waiters)) {
				return false
			}
		case held&waiters == 0:
			word.CompareAndSwap(uint64(held), uint64(held|waiters))
		case m.sleep(held):
		case !held.alive() && word.CompareAndSwap(uint64(held), uint64(m.self|waiters)):
			m.tell("the lock of process %d, which has died, is broken", held.pid())
			return true
		}
	}
}

// sleep waits until the lock word is no longer held, and reports false when that
// has lasted for long.
func (m *memory) sleep(held owner) (changed bool) {
	limit := unix.NsecToTimespec(int64(patience))
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, m.futex(), futexWait, uintptr(uint32(held)),
		uintptr(unsafe.Pointer(&limit)), 0, 0)
	return errno != unix.ETIMEDOUT
}

// futex is the address of the half of the lock word that has the pid.
func (m *memory) futex() uintptr {
	half := atLock
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 { // big endian
		half += 4
	}
	return uintptr(unsafe.Pointer(&m.data[half]))
}

// unlock gives the lock back. It does nothing to the lock of another process,
// which has taken ours for dead.
func (m *memory) unlock() {
	defer m.mu.Unlock()
	word := m.word64(atLock)
	for {
		held := owner(word.Load())
		if held&^waiters != m.self {
			return
		}
		if !word.CompareAndSwap(uint64(held), 0) {
			continue // somebody has come to wait
		}
		if held&waiters != 0 {
			_, _, _ = unix.Syscall6(unix.SYS_FUTEX, m.futex(), futexWake, 1, 0, 0, 0)
		}
		return
	}
}

package fd

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// sealed is every seal that keeps a memory file as it is, the seals included.
const sealed = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// ErrNotSealed is returned by [ReadSealed] for a file whose bytes another
// process could still change.
var ErrNotSealed = errors.New("memory file is not sealed")

// Memfd returns an anonymous memory file that holds data and can never be
// changed again. The name shows in /proc/PID/fd and means nothing else. The
// caller owns the result.
func Memfd(name string, data []byte) (*Owned, error) {
	n, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, fmt.Errorf("memfd_create(%q) failed: %w", name, err)
	}
	o := New(n)
	if err := writeAll(n, data); err != nil {
		o.Close()
		return nil, err
	}
	if _, err := unix.FcntlInt(uintptr(n), unix.F_ADD_SEALS, sealed); err != nil {
		o.Close()
		return nil, fmt.Errorf("fcntl(F_ADD_SEALS) failed: %w", err)
	}
	return o, nil
}

func writeAll(n int, data []byte) error {
	for len(data) > 0 {
		w, err := unix.Write(n, data)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("write() to memory file failed: %w", err)
		}
		data = data[w:]
	}
	return nil
}

// ReadSealed returns the bytes of a file made by [Memfd], in whichever process
// that was. It returns [ErrNotSealed] when the bytes could still change under
// the reader. o stays open and stays the caller's; the file's offset, which all
// holders share, is not moved.
func ReadSealed(o *Owned) ([]byte, error) {
	have, err := unix.FcntlInt(uintptr(o.Raw()), unix.F_GET_SEALS, 0)
	if err != nil || have&sealed != sealed {
		return nil, ErrNotSealed
	}
	var st unix.Stat_t
	if err := unix.Fstat(o.Raw(), &st); err != nil {
		return nil, fmt.Errorf("fstat() of memory file failed: %w", err)
	}
	data := make([]byte, st.Size)
	for at := 0; at < len(data); {
		n, err := unix.Pread(o.Raw(), data[at:], int64(at))
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return nil, fmt.Errorf("pread() of memory file failed: %w", err)
		}
		at += n
	}
	return data, nil
}

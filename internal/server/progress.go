package server

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// progress returns w if somebody is watching it: lines of progress in a log
// would only be noise.
func progress(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return nil
	}
	watched := false
	_ = raw.Control(func(p uintptr) {
		_, err := unix.IoctlGetTermios(int(p), unix.TCGETS)
		watched = err == nil
	})
	if !watched {
		return nil
	}
	return w
}

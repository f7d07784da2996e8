package process

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// because renders err as nginx does: "(13: Permission denied)" for an error of
// a system call, the plain text for another.
func because(err error) string {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return "(" + err.Error() + ")"
	}
	text := errno.Error()
	return fmt.Sprintf("(%d: %s)", int(errno), strings.ToUpper(text[:1])+text[1:])
}

// callError is a failed system call in nginx's words; it unwraps to the cause.
type callError struct {
	what string // `open() "PATH" failed`
	err  error
}

func (e *callError) Error() string { return e.what + " " + because(e.err) }
func (e *callError) Unwrap() error { return e.err }

// failed makes the error "WHAT failed (13: Permission denied)"; nil stays nil.
func failed(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	return &callError{what: fmt.Sprintf(what, args...) + " failed", err: err}
}

package log

import (
	"errors"
	"strconv"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// ErrText returns a system error as nginx writes it behind a message,
// "13: Permission denied"; other errors as they are.
func ErrText(err error) string {
	var e syscall.Errno
	if !errors.As(err, &e) {
		return err.Error()
	}
	text := e.Error() // strerror's, with the first letter made small
	first, size := utf8.DecodeRuneInString(text)
	return strconv.Itoa(int(e)) + ": " + string(unicode.ToUpper(first)) + text[size:]
}

// Failed returns the error of a system call in nginx's form: for the call
// `open() "/x"` it reads `open() "/x" failed (13: Permission denied)`. It wraps
// err.
func Failed(call string, err error) error { return &failed{call, err} }

type failed struct {
	call string
	err  error
}

func (f *failed) Error() string { return f.call + " failed (" + ErrText(f.err) + ")" }
func (f *failed) Unwrap() error { return f.err }

package tls

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// notRead says that a file could not be read, as OpenSSL does.
func notRead(name string, err error) string {
	var errno syscall.Errno
	var path *fs.PathError
	if !errors.As(err, &errno) || !errors.As(err, &path) {
		return err.Error()
	}
	text := errno.Error()
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	said := fmt.Sprintf("error:%08X:system library::%s:calling fopen(%s, r)", 0x80000000|uint32(errno), text, name)
	if errno == syscall.ENOENT {
		return said + " error:10000080:BIO routines::no such file"
	}
	return said + " error:10080002:BIO routines::system lib"
}

// Text is an error of a handshake or of records as logs have it behind the name
// of OpenSSL's function that would have failed.
func Text(err error) string {
	return "(SSL: " + strings.TrimPrefix(err.Error(), "tls: ") + ")"
}

package authbasic

import (
	"io"
	"strings"
	"sync"
	"syscall"

	"github.com/baton-project/baton/internal/crypt"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
	"golang.org/x/sys/unix"
)

// handler is the access handler of one location.
type handler struct {
	realm  *http.Value
	file   *http.Value
	folder string // where relative paths start; ends with a slash
	turn   *turn
}

// turn is held by the request whose hash is computed.
type turn struct{ sync.Mutex }

func (h *handler) check(r *http.Request) http.Result {
	realm := h.realm.Eval(r)
	if realm == "off" {
		return http.Declined
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		r.Logf(log.Info, "no user/password was provided for basic authentication")
		return challenge(r, realm)
	}
	path := h.file.Eval(r)
	if !strings.HasPrefix(path, "/") {
		path = h.folder + path
	}
	hash, found, rc := hashOf(r, path, user)
	switch {
	case rc != http.Declined:
		return rc
	case !found:
		r.Logf(log.Error, `user "%s" was not found in "%s"`, printable(user), path)
		return challenge(r, realm)
	}
	h.turn.Lock()
	ok, err := crypt.Check(hash, password, r.Yield)
	h.turn.Unlock()
	switch {
	case err != nil:
		r.Logf(log.Crit, `user "%s": password hashes "%s" are not supported`, printable(user), crypt.Scheme(hash))
		return 500
	case !ok:
		r.Logf(log.Error, `user "%s": password mismatch`, printable(user))
		return challenge(r, realm)
	}
	return http.OK
}

// challenge asks for another password.
func challenge(r *http.Request, realm string) http.Result {
	const before, behind = `Basic realm="`, `"`
	value := append(r.Scratch(len(before)+len(realm)+len(behind)), before...)
	return r.Challenge(http.View(append(append(value, realm...), behind...)))
}

// hashOf looks user up in the file at path. A result other than Declined is what
// to answer because the file cannot be read; the reason is logged.
func hashOf(r *http.Request, path, user string) (hash string, found bool, rc http.Result) {
	file, failure := r.OpenFile(path)
	switch {
	case failure.Errno == syscall.ENOENT:
		r.LogErr(log.Error, failure.Errno, `%s "%s" failed`, failure.Call, path)
		return "", false, 403
	case failure.Errno != 0:
		r.LogErr(log.Crit, failure.Errno, `%s "%s" failed`, failure.Call, path)
		return "", false, 500
	case file.Kind == http.Directory:
		r.LogErr(log.Crit, syscall.EISDIR, `pread() "%s" failed`, path)
		return "", false, 500
	}
	defer func() { _ = file.Close() }() // nothing was written
	hash, found, err := find(&reader{file: file}, user)
	if err != nil {
		r.LogErr(log.Crit, err, `pread() "%s" failed`, path)
		return "", false, 500
	}
	return hash, found, http.Declined
}

// reader reads a file from its start on.
type reader struct {
	file *http.File
	at   int64
}

func (f *reader) Read(p []byte) (int, error) {
	n, err := unix.Pread(f.file.Raw(), p, f.at)
	for err == unix.EINTR {
		n, err = unix.Pread(f.file.Raw(), p, f.at)
	}
	switch {
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	f.at += int64(n)
	return n, nil
}

// printable is a user name for logs, where it must not begin a line of its own.
func printable(user string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, user)
}

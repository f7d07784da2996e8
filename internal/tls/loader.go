package tls

import (
	"crypto"
	std "crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// A Loader makes certificates whose names are known only when a connection is there,
// because they have variables in them. The process that loads reads their files: as the
// user of the workers, when the configuration is long read.
type Loader struct {
	// Absolute makes a path absolute.
	Absolute func(string) string
	// Passwords are tried for encrypted keys.
	Passwords [][]byte
	// Cache keeps what was read; nil: nobody does.
	Cache *CertificateCache
}

// A LoadError is why a certificate could not be loaded, in nginx's words.
type LoadError struct{ text string }

// Error returns the sentence.
func (e *LoadError) Error() string { return e.text }

// ErrText is what is said besides of a handshake that a [LoadError] has ended.
const ErrText = "(SSL: error:0A000179:SSL routines::cert cb error)"

// Load reads a certificate with its chain, and its key, as [LoadCertificate] does. It
// waits for files, and returns a *LoadError.
func (l *Loader) Load(certificate, key string, now time.Time) (*std.Certificate, error) {
	certificate, key = FileName(l.Absolute, certificate), FileName(l.Absolute, key)
	made, err := l.load(certificate, key, now.Unix(), false)
	if errors.Is(err, errMismatch) && l.Cache != nil {
		made, err = l.load(certificate, key, now.Unix(), true) // one of both may have been replaced
	}
	if errors.Is(err, errMismatch) {
		err = fmt.Errorf(`SSL_use_PrivateKey("%s") failed (SSL: %s)`, shown(key), keyMismatch)
	}
	if err != nil {
		return nil, &LoadError{err.Error()}
	}
	return made, nil
}

var errMismatch = errors.New(keyMismatch)

func (l *Loader) load(certificate, key string, now int64, fresh bool) (*std.Certificate, error) {
	found, err := l.Cache.fetch(cacheKey{name: certificate}, fresh, now, func() (any, bool, error) {
		chain, err := ReadFile(readBounded).Chain(certificate)
		return &chain, true, err
	})
	if err != nil {
		return nil, err
	}
	private, err := l.Cache.fetch(cacheKey{key: true, name: key}, fresh, now, func() (any, bool, error) {
		made, encrypted, err := ReadFile(readBounded).Key(key, l.Passwords)
		return made, !encrypted, err
	})
	if err != nil {
		return nil, err
	}
	made := *found.(*std.Certificate)
	if made.PrivateKey = crypto.PrivateKey(private); !matches(made.Leaf, made.PrivateKey) {
		return nil, errMismatch
	}
	return &made, nil
}

// maxFile is more than any file of certificates has.
const maxFile = 4 << 20

var (
	errTooLarge   = errors.New("file too large")
	errNotRegular = errors.New("not a regular file")
)

// readBounded reads a file. What could hold it up, such as a FIFO, it does not read.
func readBounded(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errTooLarge
	}
	return text, err
}

// A fileVersion tells a file from others that have had its name. The zero value is that
// of no file.
type fileVersion struct {
	device, inode uint64
	changed       int64
}

func versionOf(path string) (v fileVersion) {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) == nil {
		v = fileVersion{st.Dev, st.Ino, st.Mtim.Nano()}
	}
	return v
}

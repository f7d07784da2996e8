package tls_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/tls"
)

// shelf is a folder of certificates and keys.
type shelf struct {
	t   *testing.T
	dir string
}

func newShelf(t *testing.T) shelf { return shelf{t, t.TempDir()} }

// put writes name.crt and name.key anew, as files that were not there before.
func (s shelf) put(name string) {
	s.t.Helper()
	c, k := pair(s.t, false)
	for ext, text := range map[string][]byte{".crt": c, ".key": k} {
		path := filepath.Join(s.dir, name+ext)
		if err := os.WriteFile(path+".new", text, 0o600); err != nil {
			s.t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s shelf) remove(name string) {
	for _, ext := range []string{".crt", ".key"} {
		if err := os.Remove(filepath.Join(s.dir, name+ext)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s shelf) text(name string) []byte {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// get loads a certificate and returns its bytes, nil for an error.
func (s shelf) get(l *tls.Loader, name string, now time.Time) []byte {
	s.t.Helper()
	made, err := l.Load(name+".crt", name+".key", now)
	if err != nil {
		return nil
	}
	return made.Certificate[0]
}

func (s shelf) loader(cache *tls.CertificateCache) *tls.Loader {
	absolute := func(name string) string {
		if filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(s.dir, name)
	}
	return &tls.Loader{Absolute: absolute, Cache: cache}
}

// A cache keeps what it has until its time is over and the file is another one, up to
// its size, and not what nobody uses.
func TestCertificateCache(t *testing.T) {
	s := newShelf(t)
	for _, name := range []string{"a", "b", "c"} {
		s.put(name)
	}
	l := s.loader(tls.NewCertificateCache(4, time.Minute, 10*time.Second))
	now := time.Now()
	first := s.get(l, "a", now)
	s.put("a")
	if !bytes.Equal(s.get(l, "a", now.Add(time.Minute)), first) {
		t.Error("what is valid was read again")
	}
	if bytes.Equal(s.get(l, "a", now.Add(61*time.Second)), first) {
		t.Error("what is not valid any more was not read again")
	}
	now = now.Add(2 * time.Minute)
	a := s.get(l, "a", now) // a file that has not changed goes on
	s.remove("a")
	if !bytes.Equal(s.get(l, "a", now), a) {
		t.Error("what is there was not used")
	}
	if s.get(l, "a", now.Add(61*time.Second)) != nil {
		t.Error("the file is gone, what was read is used still")
	}
	s.put("a")
	for _, name := range []string{"a", "b", "c"} { // four pieces have room, six come
		s.get(l, name, now)
	}
	s.remove("a")
	s.remove("b")
	s.remove("c")
	if s.get(l, "a", now) != nil {
		t.Error("the one used last was not thrown out")
	}
	if s.get(l, "b", now) == nil || s.get(l, "c", now) == nil {
		t.Error("what has room was thrown out")
	}
	s.put("a")
	later := now.Add(30 * time.Second) // b and c are valid, and were not used for long
	s.get(l, "a", later)
	if s.get(l, "b", later) != nil {
		t.Error("what nobody used is still there")
	}
}

// A certificate and a key that do not belong together are read anew, as one of them may
// have been replaced; and are an error then.
func TestLoadAfterReplacing(t *testing.T) {
	s := newShelf(t)
	s.put("a")
	l := s.loader(tls.NewCertificateCache(2, time.Minute, time.Minute))
	now := time.Now()
	s.get(l, "a", now)
	s.put("b")
	if _, err := l.Load("b.crt", "b.key", now); err != nil { // throws a out
		t.Fatal(err)
	}
	if _, err := l.Load("a.crt", "b.key", now); err == nil || !strings.Contains(err.Error(), `SSL_use_PrivateKey("`+s.dir+`/b.key") failed`) {
		t.Errorf("a key of another one: %v", err)
	}
	if _, err := l.Load("a.crt", "a.key", now); err != nil {
		t.Fatal(err)
	}
	s.put("a")
	half := tls.NewCertificateCache(1, time.Minute, time.Minute) // has room for the key only
	l = s.loader(half)
	s.get(l, "a", now)
	s.put("a") // the certificate is read, the key was kept
	if s.get(l, "a", now) == nil {
		t.Error("a key that was replaced with its certificate was not read again")
	}
}

func TestLoad(t *testing.T) {
	s := newShelf(t)
	s.put("a")
	if err := syscall.Mkfifo(filepath.Join(s.dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, k := s.text("a.crt"), s.text("a.key")
	block, _ := pem.Decode(k)
	sealed, err := x509Encrypt(block, "secret")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sealed.key"), sealed, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := s.dir
	for _, tt := range []struct{ certificate, key, want string }{
		{"a.crt", "a.key", ""},
		{dir + "/a.crt", dir + "/a.key", ""},
		{"data:" + string(c), "data:" + string(k), ""},
		{"a.crt", "sealed.key", ""},
		{"no.crt", "a.key", `cannot load certificate "` + dir + `/no.crt": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(` + dir + `/no.crt, r) error:10000080:BIO routines::no such file)`},
		{"a.crt", "no.key", `cannot load certificate key "` + dir + `/no.key": BIO_new_file() failed (SSL: `},
		{"empty", "a.key", `cannot load certificate "` + dir + `/empty": PEM_read_bio_X509_AUX() failed (SSL: `},
		{"a.crt", "empty", `cannot load certificate key "` + dir + `/empty": PEM_read_bio_PrivateKey() failed (SSL: `},
		{"", "", `cannot load certificate "` + dir + `": BIO_new_file() failed (SSL: not a regular file)`},
		{"fifo", "a.key", `cannot load certificate "` + dir + `/fifo": BIO_new_file() failed (SSL: not a regular file)`},
		{"a.crt", "engine:pkcs11:x", `keys by "engine:" are not supported`},
		{"data:secret", "a.key", `cannot load certificate "data:...": PEM_read_bio_X509_AUX() failed (SSL: `},
		{"a\x00b", "a.key", `cannot load certificate "` + dir + "/a\x00b" + `": BIO_new_file() failed`},
	} {
		l := s.loader(nil)
		l.Passwords = [][]byte{[]byte("wrong"), []byte("secret")}
		_, err := l.Load(tt.certificate, tt.key, time.Now())
		var failed *tls.LoadError
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%q: %v", tt.certificate, err)
		case tt.want != "" && (!errors.As(err, &failed) || !strings.Contains(failed.Error(), tt.want)):
			t.Errorf("%q, %q: got %v, want %s", tt.certificate, tt.key, err, tt.want)
		}
	}
	// A key that needs a password is not kept, nor is one that cannot be had.
	l := s.loader(tls.NewCertificateCache(9, time.Minute, time.Minute))
	l.Passwords = [][]byte{[]byte("secret")}
	if _, err := l.Load("a.crt", "sealed.key", time.Now()); err != nil {
		t.Fatal(err)
	}
	l.Passwords = nil
	if _, err := l.Load("a.crt", "sealed.key", time.Now()); err == nil {
		t.Error("the key was kept in plain text")
	}
}

func x509Encrypt(block *pem.Block, password string) ([]byte, error) {
	//lint:ignore SA1019 administrators have such keys
	sealed, err := x509.EncryptPEMBlock(rand.Reader, block.Type, block.Bytes, []byte(password), x509.PEMCipherAES128)
	return pem.EncodeToMemory(sealed), err
}

package settings

import (
	"crypto"
	std "crypto/tls"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
)

// loadPair is [tls.LoadCertificate] for names as the configuration has them. What several
// servers name, or the configuration before has named, is made once.
func loadPair(tree *conf.Tree, certificate, key string, passwords [][]byte) (std.Certificate, error) {
	certificate, key = tls.FileName(tree.ConfName, certificate), tls.FileName(tree.ConfName, key)
	chain, err := object(tree, certificate, "certificate", func(read tls.ReadFile) (any, bool, error) {
		made, err := read.Chain(certificate)
		return made, true, err
	})
	if err != nil {
		return std.Certificate{}, err
	}
	private, err := object(tree, key, "key", func(read tls.ReadFile) (any, bool, error) {
		made, encrypted, err := read.Key(key, passwords)
		return made, !encrypted, err
	})
	if err != nil {
		return std.Certificate{}, err
	}
	return tls.Pair(chain.(std.Certificate), crypto.PrivateKey(private), key)
}

// object makes something of a file, which it reads unless name is none of a file.
func object(tree *conf.Tree, name, kind string, make func(tls.ReadFile) (made any, keep bool, err error)) (any, error) {
	var o *conf.Object
	read := func(path string) ([]byte, error) {
		if o != nil {
			return o.Data(), nil
		}
		return tree.ReadFile(path)
	}
	if tls.IsFile(name) {
		var err error
		if o, err = tree.ReadObject(name); err == nil {
			return o.Make(kind, func() (any, bool, error) { return make(read) })
		}
	}
	made, _, err := make(read) // reads again, and says what is wrong
	return made, err
}

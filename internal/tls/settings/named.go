package settings

import (
	"math"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/tls"
)

// Variables compiles a text with variables, which is computed for the subject that
// [tls.Accept]'s choose returns.
type Variables func(d *conf.Directive, text string) (func(subject any) string, error)

func hasVariables(d *conf.Directive) bool { return strings.Contains(d.Args[0], "$") }

// CompileNames compiles the names of certificates and keys where one of them has
// variables. It is called for a level on which a directive stands, as long as variables
// may be named.
func (s *Server) CompileNames(compile Variables) error {
	found := false
	for _, list := range [][]*conf.Directive{s.Certificates, s.Keys} {
		for _, d := range list {
			found = found || hasVariables(d)
		}
	}
	if !found || len(s.Keys) < len(s.Certificates) {
		return nil
	}
	s.named = nil
	for i, at := range s.Certificates {
		pair := tls.NamePair{Text: at.Args[0]}
		var err error
		if pair.Certificate, err = compile(at, at.Args[0]); err != nil {
			return err
		}
		if pair.Key, err = compile(s.Keys[i], s.Keys[i].Args[0]); err != nil {
			return err
		}
		s.named = append(s.named, pair)
	}
	return nil
}

// loadPasswords reads a file of passwords; none without d.
func loadPasswords(tree *conf.Tree, d *conf.Directive) ([][]byte, error) {
	if d == nil {
		return nil, nil
	}
	name := tree.ConfName(d.Args[0])
	made, err := tls.LoadPasswords(tree.ReadFile, name)
	if err != nil {
		return nil, d.Errorf(`open() "%s" failed%s`, name, conf.Errno(err))
	}
	return made, nil
}

// setCertificateCache is for ssl_certificate_cache and its like.
func setCertificateCache(to *conf.Setting[*tls.CertificateCache], d *conf.Directive) error {
	limit, inactive, valid, off := int64(0), 10*time.Second, time.Minute, false
	for _, word := range d.Args {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch {
		case word == "off":
			off = true
		case name == "max" && value != "":
			limit, err = conf.ParseNumber(value)
			if limit <= 0 {
				return d.Errorf(`invalid parameter "%s"`, word)
			}
		case name == "inactive" && value != "":
			inactive, err = conf.ParseSec(value)
		case name == "valid" && value != "":
			valid, err = conf.ParseSec(value)
		default:
			return d.Errorf(`invalid parameter "%s"`, word)
		}
		if err != nil {
			return d.Errorf(`invalid parameter "%s"`, word)
		}
	}
	switch {
	case off:
		return to.Set(nil)
	case limit == 0:
		return d.Errorf(`"%s" must have the "max" parameter`, d.Name)
	}
	return to.Set(tls.NewCertificateCache(int(min(limit, math.MaxInt32)), valid, inactive))
}

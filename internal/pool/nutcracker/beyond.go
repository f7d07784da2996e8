package nutcracker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// What twemproxy does not have.

// TLS is what is spoken with clients. Names of files are as they were written.
type TLS struct {
	Certificate string // "": there is no TLS
	Key         string
	ClientCA    string // "": clients need no certificate
}

// ServerTLS is what is spoken with servers.
type ServerTLS struct {
	On               bool
	CA               string // whom certificates of servers must be from
	Unverified       bool   // whatever certificate a server has is good
	Name             string // whom they must be for; "": the host as it was written
	Certificate, Key string // ours; "": none
}

// A User is one that clients may log in as.
type User struct {
	Name   string
	Digest [sha256.Size]byte // of the password
}

// defaultHealthCheck is how often an ejected server is looked at.
const defaultHealthCheck = time.Second

var errFile = errors.New("is not the name of a file")

// beyond are keys that twemproxy does not know. redis_users is read by itself.
var beyond = map[string]func(p *Pool, text string) error{
	"redis_users":                nil,
	"redis_user":                 func(p *Pool, text string) error { p.RedisUser = text; return nil },
	"slowlog":                    duration(func(p *Pool) *time.Duration { return &p.Slowlog }),
	"server_health_check":        duration(func(p *Pool) *time.Duration { return &p.HealthCheck }),
	"tls_certificate":            fileName(func(p *Pool) *string { return &p.TLS.Certificate }),
	"tls_certificate_key":        fileName(func(p *Pool) *string { return &p.TLS.Key }),
	"tls_client_ca":              fileName(func(p *Pool) *string { return &p.TLS.ClientCA }),
	"server_tls":                 boolean(func(p *Pool) *bool { return &p.ServerTLS.On }),
	"server_tls_ca":              fileName(func(p *Pool) *string { return &p.ServerTLS.CA }),
	"server_tls_verify":          (*Pool).setVerify,
	"server_tls_name":            func(p *Pool, text string) error { p.ServerTLS.Name = text; return nil },
	"server_tls_certificate":     fileName(func(p *Pool) *string { return &p.ServerTLS.Certificate }),
	"server_tls_certificate_key": fileName(func(p *Pool) *string { return &p.ServerTLS.Key }),
}

func (p *Pool) setVerify(text string) error {
	var verify bool
	err := boolean(func(*Pool) *bool { return &verify })(p, text)
	p.ServerTLS.Unverified = !verify
	return err
}

func fileName(field func(*Pool) *string) func(*Pool, string) error {
	return func(p *Pool, text string) error {
		if strings.ContainsRune(text, 0) {
			return errFile
		}
		*field(p) = text
		return nil
	}
}

// LineOf is where a key of the pool stands, or the pool's own line.
func (p *Pool) LineOf(key string) int {
	if line, given := p.lines[key]; given {
		return line
	}
	return p.Line
}

// check refuses keys that do not go together.
func (r *reader) check(p *Pool) error {
	s := &p.ServerTLS
	if !p.Redis {
		for _, key := range []string{"redis_user", "redis_users"} {
			if _, given := p.lines[key]; given {
				return r.errorf(p.lines[key], "pool \"%s\" has \"%s\" and is not a redis pool", p.Name, key)
			}
		}
	}
	for _, pair := range [][2]string{
		{"tls_certificate", "tls_certificate_key"}, {"tls_certificate_key", "tls_certificate"}, {"tls_client_ca", "tls_certificate"},
		{"server_tls_certificate", "server_tls_certificate_key"}, {"server_tls_certificate_key", "server_tls_certificate"},
		{"redis_user", "redis_auth"},
	} {
		_, given := p.lines[pair[0]]
		if _, other := p.lines[pair[1]]; given && !other {
			return r.errorf(p.lines[pair[0]], "\"%s\" needs \"%s\"", pair[0], pair[1])
		}
	}
	if !s.On {
		for _, key := range []string{"server_tls_ca", "server_tls_verify", "server_tls_name", "server_tls_certificate"} {
			if _, given := p.lines[key]; given {
				return r.errorf(p.lines[key], "\"%s\" needs \"server_tls: true\"", key)
			}
		}
		return nil
	}
	if s.CA == "" && !s.Unverified {
		return r.errorf(p.lines["server_tls"], "\"server_tls\" needs \"server_tls_ca\", or \"server_tls_verify: false\"")
	}
	for i := range p.Servers {
		if p.Servers[i].Path != "" && s.Name == "" && !s.Unverified {
			return r.errorf(p.lines["server_tls"], "\"server_tls\" needs \"server_tls_name\" for server \"%s\"", p.Servers[i].Text)
		}
	}
	return nil
}

// users reads the list redis_users: "name password", or "name sha256:hex".
func (r *reader) users(p *Pool, n *yaml.Node) error {
	if err := r.plain(n); err != nil {
		return err
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return r.errorf(n.Line, "\"redis_users\" is not a list")
	}
	for _, c := range n.Content {
		text, err := r.scalar(c, "user")
		if err != nil {
			return err
		}
		name, password, given := strings.Cut(text, " ")
		if !given || name == "" || password == "" {
			return r.errorf(c.Line, "a user is not \"name password\" or \"name sha256:digest\"") // it may be a password
		}
		u := User{Name: name, Digest: sha256.Sum256([]byte(password))}
		if digest, hashed := strings.CutPrefix(password, "sha256:"); hashed {
			if n, err := hex.Decode(u.Digest[:], []byte(digest)[:min(len(digest), 2*len(u.Digest))]); err != nil ||
				n != len(u.Digest) || len(digest) != 2*len(u.Digest) {
				return r.errorf(c.Line, "user \"%s\" has an invalid digest", name)
			}
		}
		for i := range p.RedisUsers {
			if p.RedisUsers[i].Name == name {
				return r.errorf(c.Line, "user \"%s\" is duplicate", name)
			}
		}
		p.RedisUsers = append(p.RedisUsers, u)
	}
	return nil
}

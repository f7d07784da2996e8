package pool

import (
	"crypto/sha256"
	"crypto/subtle"

	"github.com/baton-project/baton/internal/pool/nutcracker"
)

// Clients of a pool with a password, or with users, have to say who they are
// first. What servers are told is the pool's own affair: all clients share the
// connections to them.

// The replies about logins. The first three are twemproxy's, the last is Redis'.
const (
	noAuth      = "-NOAUTH Authentication required\r\n"
	badPassword = "-ERR invalid password\r\n"
	noPassword  = "-ERR Client sent AUTH, but no password is set\r\n"
	wrongPass   = "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
)

// guarded reports whether clients have to log in.
func (p *livePool) guarded() bool { return p.conf.RedisAuth != "" || len(p.conf.RedisUsers) > 0 }

// authenticate is AUTH with a password, or with a user and a password.
func (c *client) authenticate(args []string) string {
	if len(args) > 2 {
		return "-ERR wrong number of arguments for 'auth' command\r\n"
	}
	if !c.pool.guarded() {
		return noPassword
	}
	name, password := "", args[len(args)-1]
	if len(args) == 2 {
		name = args[0]
	}
	if c.authed, c.user = c.pool.login(name, password); c.authed {
		return ok
	}
	if name != "" {
		return wrongPass
	}
	return badPassword
}

// login reports whether somebody may come in, and as which of redis_users; nil is
// whoever knows redis_auth.
func (p *livePool) login(name, password string) (known bool, user *nutcracker.User) {
	digest := sha256.Sum256([]byte(password))
	master := p.conf.RedisUser
	if master == "" {
		master = defaultUser
	}
	if p.conf.RedisAuth != "" && (name == "" || name == master) {
		want := sha256.Sum256([]byte(p.conf.RedisAuth))
		if subtle.ConstantTimeCompare(digest[:], want[:]) == 1 {
			return true, nil
		}
	}
	if name == "" {
		name = defaultUser
	}
	user = p.user(name, digest[:])
	return user != nil, user
}

// defaultUser is whom AUTH without a name is about.
const defaultUser = "default"

// user finds one of redis_users by name and password.
func (p *livePool) user(name string, digest []byte) *nutcracker.User {
	for i := range p.conf.RedisUsers {
		u := &p.conf.RedisUsers[i]
		if u.Name == name && subtle.ConstantTimeCompare(u.Digest[:], digest) == 1 {
			return u
		}
	}
	return nil
}

// noteLogin says who c is, for another process.
func (c *client) noteLogin(state *clientState) {
	switch {
	case !c.authed:
	case c.user != nil:
		state.User, state.Digest = c.user.Name, c.user.Digest[:]
	default:
		state.Password = c.pool.conf.RedisAuth
	}
}

// restoreLogin is the reverse: the pool as it is now decides.
func (c *client) restoreLogin(state *clientState) {
	if state.User != "" {
		c.user = c.pool.user(state.User, state.Digest)
		c.authed = c.user != nil
		return
	}
	c.authed = state.Password != "" && state.Password == c.pool.conf.RedisAuth
}

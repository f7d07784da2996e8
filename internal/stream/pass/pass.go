// Package pass is nginx's stream pass module: it gives the client's connection to
// another listening socket of the same worker, of http{} or of stream{}, as if the
// client had connected there.
//
//	stream { server { listen 443; ssl_preread on; pass $backend; } }
//	http   { server { listen 127.0.0.1:8443 ssl; ... } }
//
// See ngx_stream_pass_module in nginx's manual.
package pass

import (
	"errors"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/listen"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/upstream"
)

// Conf is the pass directive of one server.
type Conf struct {
	at *conf.Directive // Args[0] is the address; nil: none
}

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "pass",
	Doc:  "gives the client's connection to another listening socket",
	Directives: conf.Table[Conf]{
		{Name: "pass", In: conf.StreamServer, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).set, Syntax: "address"},
	},
	Install: (*Conf).install,
}

var (
	errNoAddresses = errors.New("no addresses")
	errNoPort      = errors.New("no port")
)

// parse reads an address; names are not looked up.
func parse(text string) (listen.Address, error) {
	u, err := upstream.ParseURL(text, 0)
	switch {
	case err != nil:
		return listen.Address{}, err
	case len(u.Addresses) == 0:
		return listen.Address{}, errNoAddresses
	case u.NoPort:
		return listen.Address{}, errNoPort
	case u.IsUnix():
		return listen.Unix(u.Addresses[0].Path), nil
	}
	return listen.TCP(u.Addresses[0].IP), nil
}

func (c *Conf) set(d *conf.Directive) error {
	if c.at != nil {
		return conf.ErrDuplicate
	}
	c.at = d
	stream.ContentBy(d)
	return nil
}

func (c *Conf) install(b *stream.Builder) error {
	if c.at == nil {
		return nil
	}
	text, err := b.Compile(c.at, c.at.Args[0])
	if err != nil {
		return err
	}
	if fixed, ok := text.Literal(); ok {
		address, err := parse(fixed)
		if err != nil {
			return c.refuse(err)
		}
		b.Content(c.at, func(s *stream.Session) stream.Result { return hand(s, address) })
		return nil
	}
	b.Content(c.at, func(s *stream.Session) stream.Result {
		named := text.Eval(s)
		address, err := parse(named)
		if err != nil {
			s.Doing(passing)
			s.Logf(log.Error, `%v in pass "%s"`, err, named)
			return stream.StatusInternalError
		}
		return hand(s, address)
	})
	return nil
}

func (c *Conf) refuse(err error) error {
	if errors.Is(err, errNoAddresses) || errors.Is(err, errNoPort) {
		return c.at.Errorf(`"pass" directive has %v`, err)
	}
	return c.at.Errorf(`%v in "%s" of the "pass" directive`, err, c.at.Args[0])
}

const passing = " while passing connection to port"

func hand(s *stream.Session, to listen.Address) stream.Result {
	s.Doing(passing)
	switch {
	case s.Datagrams():
		s.Logf(log.Error, "cannot pass udp connection")
		return stream.StatusInternalError
	case s.Stream() != nil && len(s.Ahead()) > 0:
		s.Logf(log.Error, "cannot pass connection with preread data")
		return stream.StatusInternalError
	case !s.MayPass():
		s.Logf(log.Error, "stream pass cycle")
		return stream.StatusInternalError
	case s.PassTo(to):
		return stream.Done
	}
	s.Logf(log.Error, `port not found for "%s"`, to)
	return stream.StatusOK
}

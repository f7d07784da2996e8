// Package returns is nginx's stream return module: it sends a text to the client
// and closes the connection.
//
//	server { listen 12345; return $time_iso8601; }
//
// See ngx_stream_return_module in nginx's manual.
package returns

import (
	"errors"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/poll"
	"github.com/baton-project/baton/internal/stream"
	"golang.org/x/sys/unix"
)

// Conf is the return directive of one server.
type Conf struct {
	at *conf.Directive // Args[0] is the text; nil: none
}

// sendTimeout bounds the wait for room.
const sendTimeout = 5 * time.Second

// Feature joins the server by its line in internal/modules.
var Feature = stream.Feature[Conf]{
	Name: "return",
	Doc:  "sends a text to the client and closes the connection",
	Directives: conf.Table[Conf]{
		{Name: "return", In: conf.StreamServer, Args: conf.Take1, Variables: conf.Arg(0), Set: (*Conf).set, Syntax: "value"},
	},
	Install: (*Conf).install,
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
	b.Content(c.at, func(s *stream.Session) stream.Result { return send(s, text.Eval(s)) })
	return nil
}

func send(s *stream.Session, text string) stream.Result {
	if text == "" {
		return stream.StatusOK
	}
	s.Doing(" while returning text")
	s.SetWriteTimeout(sendTimeout)
	err := s.Send([]byte(text))
	var errno unix.Errno
	switch {
	case err == nil:
		return stream.StatusOK
	case errors.Is(err, poll.ErrTimeout):
		s.LogErr(log.Info, unix.ETIMEDOUT, "connection timed out")
		return stream.StatusOK
	case errors.As(err, &errno):
		s.LogErr(log.Info, errno, "send() failed")
	}
	return stream.StatusInternalError
}

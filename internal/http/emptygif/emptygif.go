package emptygif

import (
	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// Conf says whether the directive stands in a block.
type Conf struct {
	on bool
}

// Feature joins the server by its line in internal/modules.
var Feature = http.Feature[Conf]{
	Name: "empty_gif",
	Doc:  "answers with a transparent GIF of one pixel",
	Directives: conf.Table[Conf]{
		{Name: "empty_gif", In: conf.Location, Args: conf.NoArgs, Set: (*Conf).turnOn},
	},
	Install: (*Conf).install,
}

func (c *Conf) turnOn(*conf.Directive) error {
	c.on = true
	return nil
}

// install makes it the content of the block where the directive stands, and of
// none below it.
func (c *Conf) install(b *http.Builder) error {
	if c.on && conf.Own[Conf](b.Level()) == c {
		b.Content(serve)
	}
	return nil
}

// modified is the Last-Modified that nginx sends, so that copies of the two
// agree: 28 September 1970.
const modified = 23349600

// pixel is the image: one colour table of white and black, a graphic control
// that makes index 1 transparent, and one pixel of it.
const pixel = "GIF89a" + "\x01\x00\x01\x00\x80\x01\x00" + "\x00\x00\x00\xff\xff\xff" +
	"\x21\xf9\x04\x01\x00\x00\x01\x00" + "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00" + "\x02\x02\x4c\x01\x00" + "\x3b"

func serve(r *http.Request) http.Result {
	if r.Method&(h1.GET|h1.HEAD) == 0 {
		return 405
	}
	r.Out.LastModified = modified
	return r.Respond(200, "image/gif", pixel)
}

package http

import (
	"strconv"
	"unsafe"
)

// Redirect answers with status (301, 302, 303, 307, 308) and a Location header,
// which is made absolute when it starts with "/".
func (r *Request) Redirect(status int, location string) Result {
	r.Out.Location = location
	return Result(status)
}

// absoluteLocation is Out.Location with scheme and host before it, as
// absolute_redirect, server_name_in_redirect and port_in_redirect say; "" when
// it stays as it is.
func (r *Request) absoluteLocation() string {
	location := r.Out.Location
	answers := r.loc.answers
	if location[0] != '/' || !answers.AbsoluteRedirect.V {
		return ""
	}
	host := r.Host
	if answers.ServerNameRedirect.V {
		host = r.server.name
	} else if host == "" {
		host = r.conn.localHost(r)
	}
	port := 0
	if answers.PortInRedirect.V {
		if port = r.conn.localPort(); port == 80 && r.conn.secured == nil || port == 443 && r.conn.secured != nil {
			port = 0
		}
	}
	schema := "http://"
	if r.conn.secured != nil {
		schema = "https://"
	}
	dst := append(r.Scratch(len(schema)+len(host)+len(":65535")+len(location)), schema...)
	dst = append(dst, host...)
	if port != 0 {
		dst = append(dst, ':')
		dst = strconv.AppendInt(dst, int64(port), 10)
	}
	return View(append(dst, location...))
}

// bytesOf is s as bytes that share its memory and are not to be written.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

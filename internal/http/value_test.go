package http

import "testing"

// No bytes of a client may panic the readers of arguments, cookies and
// credentials.
func FuzzRequestFields(f *testing.F) {
	f.Add("a=1&b", "c=2; d", "Basic YTpi")
	f.Fuzz(func(t *testing.T, args, cookies, authorization string) {
		r := new(Request)
		r.Args = args
		r.Head.Reset()
		r.head = []byte("GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookies + "\r\nAuthorization: " + authorization + "\r\n\r\n")
		parseHead(r)
		r.Arg("a")
		r.Cookie("c")
		r.BasicAuth()
		r.joinedHeader("cookie")
		_ = extension(args)
	})
}

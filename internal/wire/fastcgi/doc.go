// Package fastcgi is the server's side of FastCGI 1.0 in the responder role, as
// nginx speaks it: one request at a time on a connection, with the number 1. There
// is no socket in sight.
//
// A request is built in a buffer, with parameters written behind each other:
//
//	dst = fastcgi.AppendBegin(dst, keep)
//	dst, params := fastcgi.OpenParams(dst)
//	... fastcgi.Params frames each parameter
//	dst, err = fastcgi.CloseParams(dst, params)
//
// and then the body in pieces, each behind an [AppendStdin] and before a
// [Padding]; a piece of length 0 ends it. A [Response] takes apart what comes
// back.
//
// The protocol: https://fastcgi-archives.github.io/FastCGI_Specification.html
package fastcgi

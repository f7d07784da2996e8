// Package sticky sends the requests of a session to the server that had its first
// one.
//
//	upstream u {
//		server a.test;
//		server b.test route=b;
//		sticky cookie srv expires=1h;
//	}
//
// With "cookie" a cookie says which server that is, with "route" variables do. With
// "learn" it stands in a zone that all workers share and that a reload takes over:
// under the digest of the session's name, the server's name and the time of the
// last request. See ngx_http_upstream_sticky_module in nginx's manual.
package sticky

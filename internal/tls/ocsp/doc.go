// Package ocsp asks responders whether certificates are revoked (RFC 6960), for
// ssl_stapling and ssl_ocsp.
//
//	a Staple    the latest good answer about a certificate of ours; a handshake that
//	            wants it has it fetched beside, when it is time
//	a Checker   asks about the certificates of a client, which waits
//
// A question is a GET of HTTP/1.0, as small as nginx's, on a socket of the Go
// runtime: there are few of them. Behaviour and sentences are those of nginx's
// ngx_event_openssl_stapling.c.
package ocsp

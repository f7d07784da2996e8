// Package gzip compresses answers for clients that can take it.
//
//	gzip on;
//	gzip_types text/css application/javascript application/json;
//	gzip_vary on;
//
// An answer is compressed when its status is 200, 403 or 404, its type is
// text/html or one of gzip_types, it is not encoded already and not known to be
// shorter than gzip_min_length. It then has no Content-Length, a weak ETag, and
// no ranges. Unlike in nginx a Content-Encoding of add_header counts too.
//
// The window and the tables of a compressor, about 1 MB, are borrowed from a pool
// from the first byte of a body until its last one went in, so what waits
// between two requests, or for a client to take the end of a short answer, holds
// none.
//
// See ngx_http_gzip_module in nginx's manual. Which clients are served is the
// core's business: gzip_vary, gzip_http_version, gzip_proxied, gzip_disable.
package gzip

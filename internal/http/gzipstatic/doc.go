// Package gzipstatic answers with "x.gz" when "x" is asked for and the client can
// take it, so that files are compressed once and not for each answer.
//
//	gzip_static on;
//
// "always" does not look at what the client can take, for use with gunzip.
//
// See ngx_http_gzip_static_module in nginx's manual.
package gzipstatic

// Package gunzip decodes compressed answers for clients that cannot take them:
// of an upstream that always compresses, or of "gzip_static always".
//
//	gunzip on;
//
// See ngx_http_gunzip_module in nginx's manual.
package gunzip

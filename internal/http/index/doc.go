// Package index answers a request for a directory by a redirect inside the
// server to the directory's index file, the first of a list that exists.
//
//	index index.html index.$geo.html /fallback.html;
//
// See ngx_http_index_module in nginx's manual.
package index

// Package static answers with files: the last content handler, for GET and HEAD
// of a path that leads to a regular file. A directory asked for without its
// slash is redirected to; one asked for with it is the business of index and
// autoindex. It has no directives of its own: root, alias, types, etag and
// log_not_found are the core's.
//
// See ngx_http_static_module; nginx's manual has no page for it.
package static

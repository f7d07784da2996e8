// Package autoindex lists the directories that have no index file, as a page or
// for programs.
//
//	location /pub/ { autoindex on; autoindex_exact_size off; }
//	location /api/ { autoindex on; autoindex_format json; }
//
// See ngx_http_autoindex_module in nginx's manual.
package autoindex
